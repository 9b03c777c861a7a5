package com.google.ai.edge.litert;

/** As LiteRT 2.3.0 declares it. */
public final class LiteRtException extends Exception {
    private static final long serialVersionUID = 1;

    public LiteRtException(int code, String message) {
        super(message);
    }
}
