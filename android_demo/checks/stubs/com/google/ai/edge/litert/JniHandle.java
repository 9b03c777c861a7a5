package com.google.ai.edge.litert;

/** As LiteRT 2.3.0 declares it. */
public abstract class JniHandle implements AutoCloseable {
    @Override
    public final void close() {
        throw new LinkageError("a stub, to compile against");
    }
}
