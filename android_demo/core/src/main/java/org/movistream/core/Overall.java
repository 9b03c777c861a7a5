package org.movistream.core;

import java.util.Arrays;

/**
 * One answer for all frames of a stream: what the network says after the last, for then it has
 * seen them all. A network that has forgotten some, by a horizon or a reset, has not: then it is
 * the mean over all frames. Where several classes may be at once, each for a moment, it is the
 * highest score that each ever had. Python's {@code Overall} does the same.
 */
final class Overall {
    private final int horizonFrames;
    private final boolean ofMoments;
    private final double[] total;
    private final float[] highest;
    private final float[] last;
    private long frames;
    private boolean hasForgotten;

    /** @param horizonFrames the network follows about so many last frames; 0 for all. */
    Overall(int classes, int horizonFrames, Manifest.Activation activation) {
        this.horizonFrames = horizonFrames;
        ofMoments = activation == Manifest.Activation.SIGMOID;
        total = new double[classes];
        highest = new float[classes];
        last = new float[classes];
    }

    void add(float[] scores) {
        for (int index = 0; index < scores.length; index++) {
            total[index] += scores[index];
            highest[index] = Math.max(highest[index], scores[index]);
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
        Arrays.fill(highest, 0);
        frames = 0;
        hasForgotten = false;
    }

    /** Whether it is the mean over all frames. */
    boolean isMean() {
        return hasForgotten && !ofMoments;
    }

    /** One per class; null before the first frame. */
    float[] scores() {
        if (frames == 0) {
            return null;
        }
        float[] scores = ofMoments ? highest.clone() : last.clone();
        for (int index = 0; isMean() && index < scores.length; index++) {
            scores[index] = (float) (total[index] / frames);
        }
        return scores;
    }
}
