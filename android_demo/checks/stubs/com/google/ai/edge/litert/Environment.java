package com.google.ai.edge.litert;

import java.util.Set;

/**
 * What the app uses of LiteRT's environments. Unlike the other stubs, it was not written after the
 * library's declarations, so a first build with Gradle has to confirm these two names.
 */
public final class Environment extends JniHandle {
    private Environment() {}

    public static Environment create() throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }

    public Set<Accelerator> getAvailableAccelerators() throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }
}
