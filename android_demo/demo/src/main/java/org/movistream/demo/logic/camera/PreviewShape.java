package org.movistream.demo.logic.camera;

/**
 * How large a camera's picture is shown.
 *
 * <p>Its shape follows from the sensor and the position of the screen. The window's shape says
 * nothing about it: half of a split screen is wider than high on a device that is held upright.
 */
public final class PreviewShape {
    private PreviewShape() {}

    /**
     * The largest size that has the picture's shape and fits; at least a pixel each way.
     *
     * @param size of frames, as the sensor delivers them.
     * @param sensorDegrees see {@link CameraInfo#sensorDegrees}.
     * @param displayDegrees see {@link Rotation#upright}.
     * @param mostWidth of the view, in pixels; {@code mostHeight} likewise.
     */
    public static FrameSize fitted(FrameSize size, int sensorDegrees, int displayDegrees,
            int mostWidth, int mostHeight) {
        FrameSize shown = upright(size, sensorDegrees, displayDegrees);
        long across = shown.width();
        long down = shown.height();
        long width = Math.max(1, mostWidth);
        long height = Math.max(1, mostHeight);
        if (width * down > height * across) {
            width = Math.max(1, height * across / down);
        } else {
            height = Math.max(1, width * down / across);
        }
        return new FrameSize((int) width, (int) height);
    }

    /** Frames' size as it is on the screen. */
    static FrameSize upright(FrameSize size, int sensorDegrees, int displayDegrees) {
        // Whether the camera faces the person changes the sign only, and so not the shape.
        boolean lies = Rotation.quarter(sensorDegrees - displayDegrees) % 180 != 0;
        return lies ? new FrameSize(size.height(), size.width()) : size;
    }
}
