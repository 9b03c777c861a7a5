package org.movistream.demo.logic.camera;

/** Where a camera looks, as a person holds the device. */
public enum Facing {
    BACK,
    FRONT,
    /** Plugged in, or of a device without sides. */
    OTHER;

    /** The side to change to. */
    public Facing opposite() {
        return this == FRONT ? BACK : FRONT;
    }
}
