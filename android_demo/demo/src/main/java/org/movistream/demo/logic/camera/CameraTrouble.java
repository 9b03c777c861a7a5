package org.movistream.demo.logic.camera;

/** Why a camera is not to be had. */
public enum CameraTrouble {
    /** Another app with more right to it took it away, or has it. */
    TAKEN,
    /** As many cameras are open as the device can drive. */
    TOO_MANY,
    /** A policy or a switch of the system forbids it. */
    FORBIDDEN,
    /** The camera, its driver or its service failed. */
    BROKEN
}
