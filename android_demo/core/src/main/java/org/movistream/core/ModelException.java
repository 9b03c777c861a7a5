package org.movistream.core;

/** A model file that is damaged, is no stream model, or that an engine refuses. */
public final class ModelException extends Exception {
    private static final long serialVersionUID = 1;

    /** @param message one line that a user can act on. */
    public ModelException(String message) {
        super(message);
    }
}
