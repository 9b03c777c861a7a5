package org.movistream.demo.logic.camera;

/** What a person is told of the camera for as long as it is so. */
public enum CameraStatus {
    /** Nobody wants its picture now. */
    OFF,
    /** The permission is missing. */
    NOT_ALLOWED,
    /** It was asked for and will answer. */
    OPENING,
    SHOWING,
    /** The device has none. */
    MISSING,
    /** Another app has it; it comes back by itself. */
    TAKEN,
    /** A policy or a switch of the system forbids it. */
    FORBIDDEN,
    /** It failed, and is tried again. */
    BROKEN
}
