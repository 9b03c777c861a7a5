package org.movistream.core;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Of times, in milliseconds. */
public final class Distribution {
    private static final String[] NAMES = {
        "min", "p5", "p25", "median", "p75", "p95", "p99", "max"
    };
    private static final double[] PERCENTS = {0, 5, 25, 50, 75, 95, 99, 100};

    private final double[] sorted;

    /** @param timesMs one or more, in any order. */
    public Distribution(double[] timesMs) {
        sorted = timesMs.clone();
        Arrays.sort(sorted);
    }

    /** Interpolated between the two nearest, as numpy does. */
    public double percentile(double percent) {
        double place = percent / 100 * (sorted.length - 1);
        int below = (int) Math.floor(place);
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }

    public double median() {
        return percentile(50);
    }

    /** By name: min, p5, p25, median, p75, p95, p99, max. */
    Map<String, Object> asMap() {
        Map<String, Object> figures = new LinkedHashMap<>();
        for (int index = 0; index < NAMES.length; index++) {
            figures.put(NAMES[index], percentile(PERCENTS[index]));
        }
        return figures;
    }
}
