/** LiteRT on Android as the engine of streaming video networks: see docs/android.md. */
@NullMarked
package org.movistream.litert;

import org.jspecify.annotations.NullMarked;
