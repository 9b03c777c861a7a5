package org.movistream.core;

/**
 * Times of a stream's frames, from 0: whatever a camera or a file counts from, its first frame is
 * the start. Times that jump back, as where a clock was set or recordings are joined, go on from
 * the last; Python's {@code Clock} does the same.
 */
public final class StreamClock {
    /** In place of the time of a frame that has none. */
    public static final double NO_TIME = Double.NaN;

    private final double stepS;
    private double startS = NO_TIME;
    private double lastS = NO_TIME;

    /**
     * Starts before the first frame.
     *
     * @param stepS between frames where their own times do not tell, in seconds, 0 or more.
     */
    public StreamClock(double stepS) {
        if (!(stepS >= 0 && stepS <= Double.MAX_VALUE)) {
            throw new IllegalArgumentException(
                    "frames are 0 seconds or more apart, not " + stepS);
        }
        this.stepS = stepS;
    }

    /**
     * The time of the next frame, in seconds since the first; never less than that of the last.
     *
     * @param ownS what the frame says itself, in seconds on any clock; {@link #NO_TIME} for none.
     */
    public double at(double ownS) {
        boolean isFirst = Double.isNaN(lastS);
        double before = isFirst ? 0 : lastS;
        boolean says = !Double.isNaN(ownS);
        if (says && Double.isNaN(startS)) {
            startS = ownS;
        }
        double timeS;
        if (!says) {
            timeS = isFirst ? 0 : before + stepS;
        } else {
            if (ownS - startS < before) {
                startS = ownS - before - stepS;
            }
            timeS = ownS - startS;
        }
        lastS = timeS;
        return timeS;
    }

    /** The next frame is the first. */
    public void reset() {
        startS = NO_TIME;
        lastS = NO_TIME;
    }
}
