package org.movistream.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * Finds events in one stream's scores; those of several classes may overlap.
 *
 * <p>Allocates only where an event ends.
 */
public final class EventDetector {
    private final Manifest manifest;
    private final double enter;
    private final double leave;
    private final double leastS;
    private final boolean[] open;
    private final double[] startS;
    private final double[] lastS;
    private final float[] peakScore;

    /**
     * Starts with nothing going on.
     *
     * @param enter a score at which an event begins, in (0, 1].
     * @param leave a score below which it ends, from 0 to {@code enter}.
     * @param leastS shorter events are not reported, in seconds.
     * @throws IllegalArgumentException if one is out of its range.
     */
    public EventDetector(Manifest manifest, double enter, double leave, double leastS) {
        if (!(enter > 0 && enter <= 1 && leave >= 0 && leave <= enter && leastS >= 0)) {
            throw new IllegalArgumentException("an event begins at a score in (0, 1], ends below"
                    + " one from 0 to that, and lasts 0 seconds or more, not " + enter + ", "
                    + leave + ", " + leastS);
        }
        this.manifest = manifest;
        this.enter = enter;
        this.leave = leave;
        this.leastS = leastS;
        int classes = manifest.logits.classes;
        open = new boolean[classes];
        startS = new double[classes];
        lastS = new double[classes];
        peakScore = new float[classes];
    }

    /** Takes the scores of the frame at a time; returns the events that end there, mostly none. */
    public List<Event> update(double timeS, float[] scores) {
        List<Event> ended = Collections.emptyList();
        for (int index = 0; index < open.length; index++) {
            float score = scores[index];
            if (open[index]) {
                lastS[index] = timeS;
                if (score < leave) {
                    ended = closed(index, ended);
                } else {
                    peakScore[index] = Math.max(peakScore[index], score);
                }
            } else if (score >= enter) {
                open[index] = true;
                startS[index] = timeS;
                lastS[index] = timeS;
                peakScore[index] = score;
            }
        }
        return sorted(ended);
    }

    /** Ends what is going on, when it was seen last; returns it. */
    public List<Event> finish() {
        List<Event> ended = Collections.emptyList();
        for (int index = 0; index < open.length; index++) {
            if (open[index]) {
                ended = closed(index, ended);
            }
        }
        return sorted(ended);
    }

    /** Forgets what is going on. */
    public void reset() {
        Arrays.fill(open, false);
    }

    /** Whether an event of a class has begun, lasted long enough, and not ended. */
    public boolean isGoingOn(int index) {
        return open[index] && lastS[index] - startS[index] >= leastS;
    }

    private List<Event> closed(int index, List<Event> ended) {
        open[index] = false;
        if (lastS[index] - startS[index] < leastS) {
            return ended;
        }
        List<Event> more = ended.isEmpty() ? new ArrayList<Event>() : ended;
        more.add(new Event(manifest.label(index), index, startS[index], lastS[index],
                peakScore[index]));
        return more;
    }

    private static List<Event> sorted(List<Event> events) {
        if (events.size() > 1) {
            Collections.sort(events, BY_START);
        }
        return events;
    }

    private static final Comparator<Event> BY_START = new Comparator<Event>() {
        @Override
        public int compare(Event one, Event other) {
            int order = Double.compare(one.startS, other.startS);
            return order != 0 ? order : Integer.compare(one.index, other.index);
        }
    };
}
