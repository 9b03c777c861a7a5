package org.movistream.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * Finds events in one stream's scores; those of several classes may overlap. Python's
 * {@code EventDetector} does the same.
 *
 * <p>Allocates only where an event begins or ends.
 */
public final class EventDetector {
    private final Manifest manifest;
    private final EventRules rules;
    private final boolean[] open;
    private final boolean[] told;
    /** By class: what is open and closes with this frame. */
    private final boolean[] closes;
    private final double[] startS;
    private final double[] endS;
    private final long[] startedAtMs;
    private final long[] endedAtMs;
    private final float[] peakScore;

    /**
     * Starts with nothing going on.
     *
     * @param rules of the same model.
     */
    public EventDetector(Manifest manifest, EventRules rules) {
        this.manifest = manifest;
        this.rules = rules;
        int classes = manifest.logits.classes;
        open = new boolean[classes];
        told = new boolean[classes];
        closes = new boolean[classes];
        startS = new double[classes];
        endS = new double[classes];
        startedAtMs = new long[classes];
        endedAtMs = new long[classes];
        peakScore = new float[classes];
    }

    /**
     * Takes the scores of a frame.
     *
     * @param timeS of the frame, in seconds since the stream's start.
     * @param atMs when it was captured, in ms since 1970; {@link Event#RECORDED} for recordings.
     * @return the events that end there, then those that have begun, once they have lasted as long
     *     as the shortest that is reported; mostly none. Each that ends has begun before.
     */
    public List<Event> update(double timeS, float[] scores, long atMs) {
        boolean anyCloses = false;
        boolean anyBegins = false;
        for (int index = 0; index < open.length; index++) {
            if (!open[index]) {
                continue;
            }
            endS[index] = timeS;
            endedAtMs[index] = atMs;
            closes[index] = scores[index] < rules.leave[index];
            if (closes[index]) {
                anyCloses = true;
            } else {
                peakScore[index] = Math.max(peakScore[index], scores[index]);
            }
        }
        List<Event> changes = anyCloses ? close() : NONE;
        for (int index = 0; index < open.length; index++) {
            if (!open[index] && scores[index] >= rules.enter[index]) {
                open[index] = true;
                startS[index] = timeS;
                endS[index] = timeS;
                startedAtMs[index] = atMs;
                endedAtMs[index] = atMs;
                peakScore[index] = scores[index];
            }
            anyBegins |= open[index] && !told[index] && isLongEnough(index);
        }
        return anyBegins ? begin(changes) : changes;
    }

    /** Ends what is going on, when it was seen last; returns it. */
    public List<Event> finish() {
        System.arraycopy(open, 0, closes, 0, open.length);
        return close();
    }

    /**
     * Ends what is going on, at a time; returns it.
     *
     * @param timeS in seconds since the stream's start.
     * @param atMs see {@link #update}.
     */
    public List<Event> finish(double timeS, long atMs) {
        Arrays.fill(endS, timeS);
        Arrays.fill(endedAtMs, atMs);
        return finish();
    }

    /** Forgets what is going on. */
    public void reset() {
        Arrays.fill(open, false);
        Arrays.fill(told, false);
    }

    /** Whether an event of a class has begun, lasted long enough, and not ended. */
    public boolean isGoingOn(int index) {
        return open[index] && isLongEnough(index);
    }

    /** What has begun, lasted long enough, and not ended; each up to now. */
    public List<Event> goingOn() {
        List<Event> events = new ArrayList<>();
        for (int index = 0; index < open.length; index++) {
            if (isGoingOn(index)) {
                events.add(event(Event.Phase.BEGIN, index));
            }
        }
        return sorted(events);
    }

    private boolean isLongEnough(int index) {
        return endS[index] - startS[index] >= rules.shortestS;
    }

    /** Ends what closes; the shortest events may begin and end at the same frame. */
    private List<Event> close() {
        List<Event> begun = new ArrayList<>();
        List<Event> ended = new ArrayList<>();
        for (int index = 0; index < open.length; index++) {
            if (!open[index] || !closes[index]) {
                continue;
            }
            if (isLongEnough(index)) {
                if (!told[index]) {
                    begun.add(event(Event.Phase.BEGIN, index));
                }
                ended.add(event(Event.Phase.END, index));
            }
            open[index] = false;
            told[index] = false;
        }
        sorted(begun).addAll(sorted(ended));
        return begun;
    }

    private List<Event> begin(List<Event> ended) {
        List<Event> begun = new ArrayList<>();
        for (int index = 0; index < open.length; index++) {
            if (isGoingOn(index) && !told[index]) {
                told[index] = true;
                begun.add(event(Event.Phase.BEGIN, index));
            }
        }
        List<Event> changes = new ArrayList<>(ended);
        changes.addAll(sorted(begun));
        return changes;
    }

    private Event event(Event.Phase phase, int index) {
        return new Event(phase, manifest.label(index), index, startS[index], endS[index],
                peakScore[index], startedAtMs[index], endedAtMs[index]);
    }

    private static List<Event> sorted(List<Event> events) {
        Collections.sort(events, BY_START);
        return events;
    }

    private static final List<Event> NONE = Collections.emptyList();
    private static final Comparator<Event> BY_START = new Comparator<Event>() {
        @Override
        public int compare(Event one, Event other) {
            int order = Double.compare(one.startS, other.startS);
            return order != 0 ? order : Integer.compare(one.index, other.index);
        }
    };
}
