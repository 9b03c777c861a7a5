package org.movistream.core;

import java.util.Arrays;

/**
 * One answer for all frames of a stream: what the network says after the last, for then it has
 * seen them all. A network that has forgotten some, by a horizon or a reset, has not: then it is
 * the mean over all frames. Python's {@code Overall} does the same.
 */
final class Overall {
    private final int horizonFrames;
    private final double[] total;
    private final float[] last;
    private long frames;
    private boolean hasForgotten;

    /** @param horizonFrames the network follows about so many last frames; 0 for all. */
    Overall(int classes, int horizonFrames) {
        this.horizonFrames = horizonFrames;
        total = new double[classes];
        last = new float[classes];
    }

    void add(float[] scores) {
        for (int index = 0; index < scores.length; index++) {
            total[index] += scores[index];
            last[index] = scores[index];
        }
        frames++;
        hasForgotten |= horizonFrames > 0 && horizonFrames < frames;
    }

    /** The stream is reset. */
    void forget() {
        hasForgotten = frames > 0;
    }

    /** Another stream begins. */
    void reset() {
        Arrays.fill(total, 0);
        frames = 0;
        hasForgotten = false;
    }

    /** Whether it is the mean over all frames. */
    boolean isMean() {
        return hasForgotten;
    }

    /** One per class; null before the first frame. */
    float[] scores() {
        if (frames == 0) {
            return null;
        }
        float[] scores = last.clone();
        for (int index = 0; hasForgotten && index < scores.length; index++) {
            scores[index] = (float) (total[index] / frames);
        }
        return scores;
    }
}
