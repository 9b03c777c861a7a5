package org.movistream.demo.logic.camera;

import java.util.List;

/**
 * The platform's cameras, as {@link CameraSession} uses them.
 *
 * <p>Every call returns at once. Answers come as calls of the session, on its thread and with the
 * number of the opening that they are about; they may come late, twice, or about an opening that is
 * long over.
 */
public interface CameraDriver {
    /** The cameras that there are now; none if there are none. */
    List<CameraInfo> cameras() throws CameraException;

    /**
     * Asks for a camera. The answer is one of {@link CameraSession#opened},
     * {@link CameraSession#disconnected} and {@link CameraSession#failed}; after the latter two
     * the driver has closed whatever it had.
     *
     * @param opening counts openings, from 1.
     * @param rotationDegrees of the frames; see {@link Rotation#upright}.
     */
    void open(int opening, CameraInfo camera, int rotationDegrees);

    /** Lets an open camera deliver frames and fill the preview's surface. */
    void begin(int opening);

    /** The screen was turned: what brings this opening's frames upright from now on. */
    void rotate(int opening, int rotationDegrees);

    /** Frees what an opening holds; nothing if it holds nothing. */
    void close(int opening);

    /** Calls {@link CameraSession#timePassed} with the same number after a while. */
    void wakeAfter(int opening, long delayMs);
}
