package com.google.ai.edge.litert;

import java.util.Set;

/** As LiteRT 2.3.0 declares it, as far as the app uses it. */
public final class Environment extends JniHandle {
    private Environment() {}

    public static Environment create() throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }

    public Set<Accelerator> getAvailableAccelerators() throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }
}
