package org.movistream.demo.logic.camera;

/** A camera that cannot be asked for. */
public final class CameraException extends Exception {
    private static final long serialVersionUID = 1;

    private final CameraTrouble trouble;

    public CameraException(CameraTrouble trouble, Throwable cause) {
        super("a camera is not to be had: " + trouble, cause);
        this.trouble = trouble;
    }

    public CameraTrouble trouble() {
        return trouble;
    }
}
