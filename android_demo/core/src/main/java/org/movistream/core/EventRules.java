package org.movistream.core;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** When something counts as seen, all being said; a value that never changes. */
public final class EventRules {
    /** Of each class; as exact as scores are, which are compared with it. */
    final float[] enter;
    /** Of each class. */
    final double[] leave;
    final double shortestS;
    private final double lowestEnter;

    /**
     * What is asked for, where that leaves it open what the model says, or else the defaults of
     * {@link WatchOptions}. An event that begins at a low score by one of them ends by it too, at
     * the latest.
     *
     * @param enter a score at which an event of any class begins, in (0, 1]; null leaves it open.
     * @param leave a score below which it ends, from 0 to that at which it begins; null leaves it
     *     open.
     * @param shortestS shorter events are not reported, in seconds; null leaves it open.
     * @throws IllegalArgumentException if one is out of its range.
     */
    public EventRules(Manifest manifest, @Nullable Double enter, @Nullable Double leave,
            @Nullable Double shortestS) {
        boolean enters = enter == null || enter > 0 && enter <= 1;
        boolean leaves = leave == null || leave >= 0 && leave <= (enter == null ? 1 : enter);
        if (!enters || !leaves || !(shortestS == null || shortestS >= 0)) {
            throw new IllegalArgumentException("an event begins at a score in (0, 1], ends below"
                    + " one from 0 to that, and lasts 0 seconds or more, not " + enter + ", "
                    + leave + ", " + shortestS);
        }
        Manifest.EventDefaults said = manifest.events;
        int classes = manifest.logits.classes;
        double[] begins = enter == null && said != null ? said.enter
                : filled(classes, enter == null ? WatchOptions.DEFAULT_ENTER : enter);
        this.leave = leave == null && said != null ? said.leave.clone()
                : filled(classes, leave == null ? WatchOptions.DEFAULT_LEAVE : leave);
        this.enter = new float[classes];
        double lowest = 1;
        for (int index = 0; index < classes; index++) {
            this.enter[index] = (float) begins[index];
            this.leave[index] = Math.min(begins[index], this.leave[index]);
            lowest = Math.min(lowest, begins[index]);
        }
        if (leave != null && leave > lowest) {
            throw new IllegalArgumentException("an event that begins at " + lowest
                    + " cannot end below " + leave + " already");
        }
        lowestEnter = lowest;
        if (shortestS != null) {
            this.shortestS = shortestS;
        } else {
            this.shortestS = said == null ? WatchOptions.DEFAULT_SHORTEST_S : said.shortestS;
        }
    }

    /** The lowest score at which an event of any class begins. */
    public double lowestEnter() {
        return lowestEnter;
    }

    private static double[] filled(int classes, double score) {
        double[] scores = new double[classes];
        Arrays.fill(scores, score);
        return scores;
    }
}
