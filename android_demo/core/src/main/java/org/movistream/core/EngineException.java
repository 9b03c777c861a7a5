package org.movistream.core;

/** An engine that refuses a file, lacks memory, or fails to run. */
public final class EngineException extends Exception {
    private static final long serialVersionUID = 1;

    /** @param message one line that a user can act on. */
    public EngineException(String message) {
        super(message);
    }

    public EngineException(String message, Throwable cause) {
        super(message, cause);
    }
}
