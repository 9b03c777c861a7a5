package org.movistream.core;

import static org.junit.Assert.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.Test;

public final class ScoreCasesTest {
    private static final double TOLERANCE = 1e-6;

    @Test
    public void scoresAndEventsAreThoseOfPython() throws Exception {
        Map<String, Object> walk = SharedCases.object(SharedCases.read("score_cases/walk.json"));
        List<Object> logits = SharedCases.list(walk.get("logits"));
        List<Object> times = SharedCases.list(walk.get("times_s"));
        int classes = SharedCases.list(logits.get(0)).size();
        Manifest manifest = Manifests.ofClasses(classes);
        for (Object each : SharedCases.list(walk.get("cases"))) {
            Map<String, Object> one = SharedCases.object(each);
            Scorer scorer = new Scorer(classes, SharedCases.number(one.get("temperature")),
                    SharedCases.number(one.get("smoothing_s")), Manifest.Activation.SOFTMAX);
            EventDetector detector = new EventDetector(manifest, new EventRules(manifest,
                    SharedCases.number(one.get("enter")), SharedCases.number(one.get("leave")),
                    SharedCases.number(one.get("shortest_s"))));
            int[] top = new int[3];
            for (int frame = 0; frame < logits.size(); frame++) {
                double timeS = SharedCases.number(times.get(frame));
                float[] scores = scorer.update(SharedCases.floats(logits.get(frame)), timeS, false);
                float[] wanted = SharedCases.floats(at(one, "scores", frame));
                for (int index = 0; index < classes; index++) {
                    assertEquals(wanted[index], scores[index], TOLERANCE);
                }
                Scorer.top(scores, top);
                List<Object> best = SharedCases.list(at(one, "top", frame));
                for (int rank = 0; rank < top.length; rank++) {
                    assertEquals(((Long) best.get(rank)).intValue(), top[rank]);
                }
                assertEvents(at(one, "events", frame), ends(detector.update(timeS, scores, Event.RECORDED)));
                List<Object> goingOn = SharedCases.list(at(one, "going_on", frame));
                for (int index = 0; index < classes; index++) {
                    assertEquals(goingOn.contains((long) index), detector.isGoingOn(index));
                }
            }
            assertEvents(one.get("finish"), ends(detector.finish()));
        }
    }

    private static Object at(Map<String, Object> one, String name, int frame) {
        return SharedCases.list(one.get(name)).get(frame);
    }

    private static List<Event> ends(List<Event> changes) {
        List<Event> ends = new ArrayList<>();
        for (Event event : changes) {
            if (event.phase == Event.Phase.END) {
                ends.add(event);
            }
        }
        return ends;
    }

    private static void assertEvents(Object wanted, List<Event> found) {
        List<Object> events = SharedCases.list(wanted);
        assertEquals(events.size(), found.size());
        for (int index = 0; index < found.size(); index++) {
            List<Object> event = SharedCases.list(events.get(index));
            assertEquals(((Long) event.get(0)).intValue(), found.get(index).index);
            assertEquals(SharedCases.number(event.get(1)), found.get(index).startS, 0);
            assertEquals(SharedCases.number(event.get(2)), found.get(index).endS, 0);
            assertEquals(SharedCases.number(event.get(3)), found.get(index).peakScore, TOLERANCE);
        }
    }
}
