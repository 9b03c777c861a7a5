package org.movistream.core;

/** Lets frames through at a model's rate, and leaves out those between. */
public final class FramePacer {
    private final double intervalS;
    private double dueS = Double.NEGATIVE_INFINITY;

    /** @param framesPerSecond of the frames that the network was trained on; 0 for all. */
    public FramePacer(double framesPerSecond) {
        intervalS = framesPerSecond > 0 ? 1 / framesPerSecond : 0;
    }

    /** Whether a frame of a time is to be looked at. */
    public boolean isDue(double timeS) {
        if (timeS < dueS) {
            return false;
        }
        // A late frame hurries the next ones, but by no more than half an interval each.
        dueS = Math.max(dueS + intervalS, timeS + intervalS / 2);
        return true;
    }

    /** Lets the next frame through whatever its time. */
    public void reset() {
        dueS = Double.NEGATIVE_INFINITY;
    }
}
