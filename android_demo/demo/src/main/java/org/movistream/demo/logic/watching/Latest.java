package org.movistream.demo.logic.watching;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.movistream.core.Event;
import org.movistream.core.History;

/** What the inference thread last found, for the screen; every access holds its lock. */
public final class Latest {
    /** Best labels that are shown. */
    public static final int TOP = 3;
    /** Points of a chart: frames of latency, seconds of memory. */
    public static final int CHART_POINTS = 300;

    private static final int MOST_EVENTS = 200;
    private static final double LONGEST_PAUSE_S = 10;
    private static final double RATE_ADAPTATION = 0.1;

    private final String[] labels = new String[TOP];
    private final float[] scores = new float[TOP];
    private final boolean[] goingOn = new boolean[TOP];
    private int count;
    private boolean seesSeveral;
    private double framesPerSecond;
    private int eventCount;
    private final History latencyMs = new History(CHART_POINTS);
    private final History memoryMb = new History(CHART_POINTS);
    private final ArrayDeque<Event> events = new ArrayDeque<>();
    private double lastS = Double.NaN;

    /** Takes what a frame led to; nothing is allocated but where an event ends. */
    synchronized void take(WatchSession<?> session, double stampS) {
        count = Math.min(TOP, session.count());
        seesSeveral = session.seesSeveral();
        for (int rank = 0; rank < count; rank++) {
            labels[rank] = session.label(rank);
            scores[rank] = session.score(rank);
            goingOn[rank] = session.isGoingOn(rank);
        }
        latencyMs.add((float) session.stepMs());
        double passedS = stampS - lastS;
        if (passedS > 0 && passedS < LONGEST_PAUSE_S) {
            framesPerSecond = framesPerSecond == 0 ? 1 / passedS
                    : framesPerSecond + RATE_ADAPTATION * (1 / passedS - framesPerSecond);
        }
        lastS = stampS;
        addEvents(session.ended());
    }

    synchronized void addEvents(List<Event> ended) {
        // By index: an iterator would be allocated for every frame.
        for (int index = 0; index < ended.size(); index++) {
            events.addFirst(ended.get(index));
            eventCount++;
            if (events.size() > MOST_EVENTS) {
                events.removeLast();
            }
        }
    }

    /** Forgets answers, not events: what was seen was seen. */
    synchronized void clearAnswers() {
        count = 0;
        framesPerSecond = 0;
        lastS = Double.NaN;
        latencyMs.clear();
    }

    synchronized void clearEvents() {
        eventCount++;
        events.clear();
    }

    void addMemory(double megabytes) {
        memoryMb.add((float) megabytes);
    }

    /** Labels that there are to show now. */
    public synchronized int count() {
        return count;
    }

    public synchronized String label(int rank) {
        return labels[rank];
    }

    public synchronized float score(int rank) {
        return scores[rank];
    }

    public synchronized boolean isGoingOn(int rank) {
        return goingOn[rank];
    }

    /**
     * What is told, when it changes, to a person who listens: the best label, or those of what is
     * going on where several may be at once; empty for nothing.
     */
    public synchronized String subject() {
        if (!seesSeveral) {
            return count == 0 ? "" : labels[0];
        }
        StringBuilder subject = new StringBuilder();
        for (int rank = 0; rank < count; rank++) {
            if (goingOn[rank]) {
                subject.append(subject.length() == 0 ? "" : ", ").append(labels[rank]);
            }
        }
        return subject.toString();
    }

    /** That are looked at; 0 if unknown. */
    public synchronized double framesPerSecond() {
        return framesPerSecond;
    }

    /** Changes whenever the list of events does. */
    public synchronized int eventCount() {
        return eventCount;
    }

    /** The last events, newest first. */
    public synchronized List<Event> events() {
        return Collections.unmodifiableList(new ArrayList<>(events));
    }

    public History latencyMs() {
        return latencyMs;
    }

    public History memoryMb() {
        return memoryMb;
    }
}
