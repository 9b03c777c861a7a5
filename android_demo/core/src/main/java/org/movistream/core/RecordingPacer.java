package org.movistream.core;

import java.util.Arrays;

/**
 * Which frames of a recording a network is shown: those that are nearest to 0, 1/rate, 2/rate …
 * seconds from its start. Of two that are equally near the earlier, and none twice. Python's
 * {@code at_rate} does the same.
 *
 * <p>Whether a frame is the nearest is known when the time of the next one is:
 *
 * <pre>
 * for every frame:  if (pacer.next(timeS)) the frame before this one is picked
 * at the end:       if (pacer.end()) the last frame is picked
 * </pre>
 */
public final class RecordingPacer {
    /** Containers round times; a frame that is closer by less than this is not closer. */
    static final double TIE_S = 1e-4;

    private static final double US_PER_S = 1e6;

    private final double framesPerSecond;
    private boolean hasCandidate;
    private double candidateS;
    private double count;

    /** @param framesPerSecond of the frames that the network was trained on; 0 for all. */
    public RecordingPacer(double framesPerSecond) {
        this.framesPerSecond = framesPerSecond;
    }

    /**
     * Takes note of the next frame.
     *
     * @param timeS in seconds since the recording's start, not less than the last; see
     *     {@link StreamClock}.
     * @return whether the frame before it is picked; false for the first.
     */
    public boolean next(double timeS) {
        boolean picked = hasCandidate && picks((candidateS + timeS) / 2);
        hasCandidate = true;
        candidateS = timeS;
        return picked;
    }

    /** Whether the last frame is picked; the next one begins another recording. */
    public boolean end() {
        boolean picked = hasCandidate && picks(candidateS);
        hasCandidate = false;
        count = 0;
        return picked;
    }

    /**
     * Which frames of a whole recording are picked, where all times are known beforehand.
     *
     * @param timesUs when each frame is shown, in µs, in any order, such as that of decoding.
     * @param framesPerSecond as above.
     * @return those that are picked, in order.
     */
    public static long[] picked(long[] timesUs, double framesPerSecond) {
        long[] sorted = timesUs.clone();
        Arrays.sort(sorted);
        RecordingPacer pacer = new RecordingPacer(framesPerSecond);
        long[] picked = new long[sorted.length];
        int count = 0;
        for (int index = 0; index < sorted.length; index++) {
            if (pacer.next((sorted[index] - sorted[0]) / US_PER_S)) {
                picked[count++] = sorted[index - 1];
            }
        }
        if (pacer.end()) {
            picked[count++] = sorted[sorted.length - 1];
        }
        return Arrays.copyOf(picked, count);
    }

    private boolean picks(double nearestUntilS) {
        if (!(framesPerSecond > 0)) {
            return true;
        }
        double untilS = nearestUntilS + TIE_S;
        boolean picked = count / framesPerSecond <= untilS;
        if (picked) {
            count = Math.floor(untilS * framesPerSecond) + 1;
        }
        return picked;
    }
}
