package org.movistream.demo.logic.engines;

/** Too little memory for a model. */
public final class LowMemoryException extends Exception {
    private static final long serialVersionUID = 1;

    LowMemoryException(Throwable cause) {
        super("too little memory is free for the model", cause);
    }
}
