package org.movistream.demo;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.movistream.core.Event;
import org.movistream.core.History;
import org.movistream.core.Watch;

/** What the inference thread last found, for the screen; every access holds its lock. */
final class Latest {
    static final int TOP = 3;
    private static final int CHART_FRAMES = 300;
    private static final int CHART_SECONDS = 300;
    private static final int EVENT_LINES = 50;

    final String[] labels = new String[TOP];
    final float[] scores = new float[TOP];
    final boolean[] goingOn = new boolean[TOP];
    int count;
    double inferenceMs;
    double framesPerSecond;
    /** Counts the events ever seen, so that the screen knows when to list them anew. */
    int eventCount;
    final History latencyMs = new History(CHART_FRAMES);
    final History memoryMb = new History(CHART_SECONDS);

    private final ArrayDeque<Event> events = new ArrayDeque<>();
    private double lastS;

    /** Takes what a frame led to; nothing is allocated but where an event ends. */
    synchronized void take(Watch watch, List<String> names, double timeS) {
        count = watch.topCount();
        for (int rank = 0; rank < count; rank++) {
            int index = watch.top(rank);
            labels[rank] = names.get(index);
            scores[rank] = watch.score(index);
            goingOn[rank] = watch.isGoingOn(index);
        }
        inferenceMs = watch.preprocessMs() + watch.inferenceMs();
        latencyMs.add((float) inferenceMs);
        double passedS = timeS - lastS;
        if (passedS > 0 && passedS < 10) {
            framesPerSecond = framesPerSecond == 0 ? 1 / passedS
                    : framesPerSecond + 0.1 * (1 / passedS - framesPerSecond);
        }
        lastS = timeS;
        addEvents(watch.events());
    }

    synchronized void addEvents(List<Event> changes) {
        // By index: an iterator would be allocated for every frame.
        for (int index = 0; index < changes.size(); index++) {
            if (changes.get(index).phase == Event.Phase.BEGIN) {
                continue;
            }
            events.addFirst(changes.get(index));
            eventCount++;
            if (events.size() > EVENT_LINES) {
                events.removeLast();
            }
        }
    }

    /** The last events, newest first. */
    synchronized List<Event> events() {
        return Collections.unmodifiableList(new ArrayList<>(events));
    }

    synchronized void clear() {
        count = 0;
        framesPerSecond = 0;
        lastS = 0;
        eventCount++;
        events.clear();
        latencyMs.clear();
    }
}
