package org.movistream.core;

/**
 * Which frames of a camera a network is shown: those that come nearest to 0, 1/rate, 2/rate …
 * seconds from the first.
 *
 * <p>Nobody knows yet when the next frame will come, so a frame is taken if it is due by less than
 * half the time between the last two; none is taken twice. Python's {@code LiveTicks} does the
 * same. A clock that jumps back costs no frame: see {@link StreamClock}.
 *
 * <p>Of a recording, take {@link RecordingPacer}: there, the next frame is known.
 */
public final class FramePacer {
    /** Between a camera's frames where its clock does not tell. */
    private static final double USUAL_STEP_S = 1.0 / 30;

    private final StreamClock clock = new StreamClock(USUAL_STEP_S);
    private final double periodS;
    private double dueS;
    private double lastS;

    /** @param framesPerSecond of the frames that the network was trained on; 0 for all. */
    public FramePacer(double framesPerSecond) {
        periodS = framesPerSecond > 0 ? 1 / framesPerSecond : 0;
    }

    /**
     * Whether a frame is to be looked at; ask once for every frame, in order.
     *
     * @param stampS when it was taken, in seconds on any clock, such as a sensor's.
     */
    public boolean isDue(double stampS) {
        double timeS = clock.at(stampS);
        double apartS = timeS - lastS;
        lastS = timeS;
        if (periodS == 0) {
            return true;
        }
        if (timeS + Math.min(apartS, periodS) / 2 < dueS) {
            return false;
        }
        double passed = Math.max(1, Math.floor((timeS - dueS) / periodS + 0.5) + 1);
        dueS += passed * periodS;
        return true;
    }

    /** Of the frame that was last asked about, in seconds since the first. */
    public double timeS() {
        return lastS;
    }

    /** The next frame is the first, at 0 seconds, whatever its stamp. */
    public void reset() {
        clock.reset();
        dueS = 0;
        lastS = 0;
    }
}
