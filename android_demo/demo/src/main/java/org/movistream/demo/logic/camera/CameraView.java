package org.movistream.demo.logic.camera;

/** What the screen needs to know of the camera; a value that never changes. */
public final class CameraView {
    private final CameraStatus status;
    private final CameraInfo camera;
    private final boolean canSwitch;

    CameraView(CameraStatus status, CameraInfo camera, boolean canSwitch) {
        this.status = status;
        this.camera = camera;
        this.canSwitch = canSwitch;
    }

    public CameraStatus status() {
        return status;
    }

    /** The one that was asked for last; null before the first. */
    public CameraInfo camera() {
        return camera;
    }

    /** Whether there is a camera on another side. */
    public boolean canSwitch() {
        return canSwitch;
    }
}
