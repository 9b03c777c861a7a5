package org.movistream.demo.logic.camera;

/** How far a camera's frames are turned from upright. */
public final class Rotation {
    private static final int FULL_TURN = 360;
    private static final int QUARTER_TURN = 90;

    private Rotation() {}

    /**
     * Clockwise, what brings a camera's frames upright on the screen as it is held now: 0, 90, 180
     * or 270. With one that belongs to another position of the screen, left and right are swapped.
     *
     * @param displayDegrees how far the screen's picture is turned from its natural position, as
     *     {@code Display.getRotation} counts: 0, 90, 180 or 270.
     */
    public static int upright(CameraInfo camera, int displayDegrees) {
        int display = quarter(displayDegrees);
        // A camera that looks at the person turns the other way round.
        boolean mirrored = camera.facing() == Facing.FRONT;
        return quarter(camera.sensorDegrees() + (mirrored ? display : -display));
    }

    /** The nearest of 0, 90, 180 and 270 to an angle in degrees. */
    static int quarter(int degrees) {
        int turned = ((degrees + QUARTER_TURN / 2) % FULL_TURN + FULL_TURN) % FULL_TURN;
        return turned / QUARTER_TURN * QUARTER_TURN;
    }
}
