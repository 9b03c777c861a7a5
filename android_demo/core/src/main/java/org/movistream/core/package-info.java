/** Streaming video networks, one frame at a time, in plain Java: see docs/android.md. */
@NullMarked
package org.movistream.core;

import org.jspecify.annotations.NullMarked;
