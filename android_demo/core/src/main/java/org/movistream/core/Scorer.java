package org.movistream.core;

/**
 * From logits to scores that people act on: softmax or sigmoid, and an exponential average over
 * time.
 * Python's {@code Scorer} does the same.
 *
 * <p>Nothing is allocated per frame.
 */
public final class Scorer {
    private final float temperature;
    private final double smoothingS;
    private final Manifest.Activation activation;
    private final float[] scores;
    private final float[] fresh;
    private boolean hasPast;
    private double timeS;

    /**
     * Starts without a past.
     *
     * @param temperature logits are divided by it before they become probabilities; above 0.
     * @param smoothingS new probabilities weigh 1 − exp(−Δt / smoothingS) in the average, Δt being
     *     the seconds since the last; 0 for no smoothing.
     * @param activation what makes probabilities of logits.
     * @throws IllegalArgumentException if one is out of its range.
     */
    public Scorer(int classes, double temperature, double smoothingS,
            Manifest.Activation activation) {
        boolean finite = temperature <= Float.MAX_VALUE && smoothingS <= Double.MAX_VALUE;
        if (!finite || !(temperature > 0) || !(smoothingS >= 0)) {
            throw new IllegalArgumentException("a temperature is above 0, and smoothing takes 0"
                    + " seconds or more, not " + temperature + " and " + smoothingS);
        }
        this.temperature = (float) temperature;
        this.smoothingS = smoothingS;
        this.activation = activation;
        scores = new float[classes];
        fresh = new float[classes];
    }

    /**
     * The scores after a frame, one per class, each in [0, 1]; valid until the next call.
     *
     * @param warmingUp the model says nothing yet: its scores are no part of later averages.
     */
    public float[] update(float[] logits, double timeS, boolean warmingUp) {
        if (activation == Manifest.Activation.SIGMOID) {
            sigmoid(logits);
        } else {
            softmax(logits);
        }
        if (warmingUp) {
            hasPast = false;
            System.arraycopy(fresh, 0, scores, 0, scores.length);
            return scores;
        }
        float weight = 1;
        if (hasPast && smoothingS > 0) {
            double passedS = Math.max(0, timeS - this.timeS);
            weight = (float) -Math.expm1(-passedS / smoothingS);
        }
        for (int index = 0; index < scores.length; index++) {
            scores[index] = weight == 1 ? fresh[index]
                    : scores[index] + weight * (fresh[index] - scores[index]);
        }
        hasPast = true;
        this.timeS = timeS;
        return scores;
    }

    /** Forgets the past, as its stream does. */
    public void reset() {
        hasPast = false;
    }

    /**
     * The best classes, best first; of equal scores the lower class first.
     *
     * @param into is filled with the indices of as many classes as it has room for.
     */
    public static void top(float[] scores, int[] into) {
        for (int rank = 0; rank < into.length; rank++) {
            int best = -1;
            for (int index = 0; index < scores.length; index++) {
                if ((best < 0 || scores[index] > scores[best]) && !contains(into, rank, index)) {
                    best = index;
                }
            }
            into[rank] = best;
        }
    }

    private static boolean contains(int[] indices, int count, int index) {
        for (int rank = 0; rank < count; rank++) {
            if (indices[rank] == index) {
                return true;
            }
        }
        return false;
    }

    private void sigmoid(float[] logits) {
        for (int index = 0; index < fresh.length; index++) {
            fresh[index] = (float) (1 / (1 + Math.exp(-logits[index] / temperature)));
        }
    }

    private void softmax(float[] logits) {
        float largest = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit / temperature);
        }
        float sum = 0;
        for (int index = 0; index < fresh.length; index++) {
            fresh[index] = (float) Math.exp(logits[index] / temperature - largest);
            sum += fresh[index];
        }
        for (int index = 0; index < fresh.length; index++) {
            fresh[index] /= sum;
        }
    }
}
