package org.movistream.demo.logic.settings;

/** What the settings' lists offer, and which of them comes nearest to what holds. */
public final class Choices {
    public static final double[] HORIZON_FRAMES = {0, 4, 16, 64, 256};
    public static final double[] SMOOTHING_S = {0, 0.1, 0.3, 0.5, 1, 2};
    public static final double[] ENTER = {0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
    public static final double[] LEAVE = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8};
    public static final double[] SHORTEST_S = {0, 0.2, 0.5, 1, 2, 5};

    private Choices() {}

    /** Threads on offer, on a device with so many processors. */
    public static double[] threads(int processors) {
        double[] counts = new double[Math.max(1, Math.min(Settings.MOST_THREADS, processors))];
        for (int index = 0; index < counts.length; index++) {
            counts[index] = index + 1;
        }
        return counts;
    }

    /** The place of the nearest. */
    public static int nearest(double[] offered, double value) {
        int best = 0;
        for (int index = 1; index < offered.length; index++) {
            if (Math.abs(offered[index] - value) < Math.abs(offered[best] - value)) {
                best = index;
            }
        }
        return best;
    }

    /** Settings of what was chosen; an event ends at the score at which it begins, at most. */
    public static Settings settings(Settings before, int threads, double horizonFrames,
            boolean gpu, double smoothingS, double enter, double leave, double shortestS) {
        return before.withEngine(threads, (int) horizonFrames, gpu).withSmoothing(smoothingS)
                .withEvents(enter, Math.min(enter, leave), shortestS);
    }
}
