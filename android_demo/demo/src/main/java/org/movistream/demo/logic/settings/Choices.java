package org.movistream.demo.logic.settings;

/**
 * What the settings' lists offer, and which of them comes nearest to what holds; null is what the
 * model says.
 */
public final class Choices {
    public static final Double[] HORIZON_FRAMES = {null, 4.0, 16.0, 64.0, 256.0};
    public static final Double[] SMOOTHING_S = {null, 0.0, 0.1, 0.3, 0.5, 1.0, 2.0};
    public static final Double[] ENTER = {null, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
    public static final Double[] LEAVE = {null, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8};
    public static final Double[] SHORTEST_S = {null, 0.0, 0.2, 0.5, 1.0, 2.0, 5.0};

    private Choices() {}

    /** Threads on offer, on a device with so many processors. */
    public static Double[] threads(int processors) {
        Double[] counts = new Double[Math.max(1, Math.min(Settings.MOST_THREADS, processors))];
        for (int index = 0; index < counts.length; index++) {
            counts[index] = index + 1.0;
        }
        return counts;
    }

    /** A horizon as the lists have it. */
    public static Double horizon(Settings settings) {
        return settings.horizonFrames() == 0 ? null : Double.valueOf(settings.horizonFrames());
    }

    /** The place of the nearest. */
    public static int nearest(Double[] offered, Double value) {
        int best = 0;
        for (int index = 0; value != null && index < offered.length; index++) {
            if (distance(offered[index], value) < distance(offered[best], value)) {
                best = index;
            }
        }
        return best;
    }

    private static double distance(Double offered, double value) {
        return offered == null ? Double.POSITIVE_INFINITY : Math.abs(offered - value);
    }

    /** Settings of what was chosen; an event ends at the score at which it begins, at most. */
    public static Settings settings(Settings before, int threads, Double horizonFrames,
            boolean gpu, Double smoothingS, Double enter, Double leave, Double shortestS) {
        Double lower = enter == null || leave == null ? leave
                : Double.valueOf(Math.min(enter, leave));
        return before
                .withEngine(threads, horizonFrames == null ? 0 : horizonFrames.intValue(), gpu)
                .withSmoothing(smoothingS).withEvents(enter, lower, shortestS);
    }
}
