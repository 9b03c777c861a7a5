package org.movistream.demo.logic.camera;

/** What is known of a camera before it is opened; a value that never changes. */
public final class CameraInfo {
    private final String id;
    private final Facing facing;
    private final int sensorDegrees;
    private final FrameSize size;

    /**
     * Describes a camera.
     *
     * @param sensorDegrees clockwise, how far its pictures are to be turned to be upright while the
     *     device is in its natural position: 0, 90, 180 or 270.
     * @param size of the frames that it is asked for.
     */
    public CameraInfo(String id, Facing facing, int sensorDegrees, FrameSize size) {
        this.id = id;
        this.facing = facing;
        this.sensorDegrees = Rotation.quarter(sensorDegrees);
        this.size = size;
    }

    public String id() {
        return id;
    }

    public Facing facing() {
        return facing;
    }

    /** Clockwise, 0, 90, 180 or 270. */
    public int sensorDegrees() {
        return sensorDegrees;
    }

    public FrameSize size() {
        return size;
    }
}
