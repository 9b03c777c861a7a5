package org.movistream.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Whole watches of scripted logits, frame by frame as in Python. */
public final class WatchCasesTest {
    /** Of scores, which the cases have to 5 digits. */
    private static final double TOLERANCE = 6e-6;

    private final YuvFrame frame = new YuvFrame();

    public WatchCasesTest() {
        frame.set(6, 4, 0, ByteBuffer.allocate(24), 6, ByteBuffer.allocate(6),
                ByteBuffer.allocate(6), 3, 1);
    }

    @Test
    public void watchesAreThoseOfPython() throws Exception {
        List<Object> cases = SharedCases.list(SharedCases.read("score_cases/watch.json"));
        for (Object each : cases) {
            Map<String, Object> one = SharedCases.object(each);
            FakeEngine engine = new FakeEngine();
            List<Object> logits = SharedCases.list(one.get("logits"));
            engine.script = new float[logits.size()][];
            for (int row = 0; row < engine.script.length; row++) {
                engine.script[row] = SharedCases.floats(logits.get(row));
            }
            try (Watch watch = new Watch(Manifests.watched(
                    SharedCases.whole(one, "delay_frames"),
                    SharedCases.whole(one, "warm_up_frames"), (String) one.get("activation"),
                    JsonWriter.write(one.get("said"))), engine, options(one))) {
                compare(one, watch);
            }
            assertEquals(0, engine.made.size());
        }
        assertTrue(cases.size() > 10);
    }

    private static WatchOptions options(Map<String, Object> one) {
        return WatchOptions.defaults().withTop(3)
                .withTemperature(SharedCases.number(one.get("temperature")))
                .withSmoothing((Double) one.get("smoothing_s"))
                .withEvents(null, null, (Double) one.get("shortest_s"))
                .withResets(false, SharedCases.number(one.get("gap_s")),
                        SharedCases.number(one.get("every_s")));
    }

    private void compare(Map<String, Object> one, Watch watch) throws Exception {
        List<Object> times = SharedCases.list(one.get("times_s"));
        double beforeS = 0;
        for (int index = 0; index < times.size(); index++) {
            String about = one.get("about") + ", frame " + index;
            Map<String, Object> wanted = SharedCases.object(
                    SharedCases.list(one.get("frames")).get(index));
            if (one.get("reset_before") != null
                    && index == SharedCases.whole(one, "reset_before")) {
                watch.askForReset();
            }
            double timeS = SharedCases.number(times.get(index));
            if (one.get("began_at_ms") == null) {
                watch.see(frame, timeS);
            } else {
                watch.see(frame, timeS,
                        (Long) one.get("began_at_ms") + Math.round(timeS * 1000));
            }
            assertEquals(about, wanted.get("notice"), notice(watch, timeS - beforeS));
            beforeS = timeS;
            assertEquals(about, SharedCases.number(wanted.get("time_s")), watch.answerS(), 0);
            assertEquals(about, SharedCases.whole(wanted, "frame"),
                    index - watch.answersFramesBack());
            assertEquals(about, wanted.get("warming_up"), watch.isWarmingUp());
            float[] scores = SharedCases.floats(wanted.get("scores"));
            for (int place = 0; place < scores.length; place++) {
                assertEquals(about, scores[place], watch.score(place), TOLERANCE);
            }
            for (int rank = 0; rank < watch.topCount(); rank++) {
                assertEquals(about, SharedCases.list(wanted.get("top")).get(rank),
                        (long) watch.top(rank));
            }
            int before = watch.endedByReset();
            List<Event> events = watch.events();
            assertEvents(about, wanted.get("before"), events.subList(0, before));
            assertEvents(about, wanted.get("events"), events.subList(before, events.size()));
            assertEvents(about, wanted.get("going_on"), watch.goingOn());
        }
        assertEvents("finish", one.get("finish"), watch.finish());
        assertEvents("finished already", Collections.emptyList(), watch.finish());
        float[] answer = SharedCases.floats(one.get("answer"));
        for (int place = 0; place < answer.length; place++) {
            assertEquals(answer[place], watch.answer()[place], TOLERANCE);
        }
        assertEquals(one.get("is_mean"), watch.answersWithMean());
    }

    private static String notice(Watch watch, double gapS) {
        ResetReason reason = watch.resetReason();
        return reason == null ? null : reason.notice(gapS);
    }

    /** To the millisecond, and to a bit more: to the digits that are written. */
    private static void assertEvents(String about, Object wanted, List<Event> found)
            throws ModelException {
        List<Object> maps = SharedCases.list(wanted);
        assertEquals(about, maps.size(), found.size());
        for (int index = 0; index < found.size(); index++) {
            Map<String, Object> event = SharedCases.object(
                    Json.parse(JsonWriter.write(found.get(index).asMap())));
            Map<String, Object> expected = SharedCases.object(maps.get(index));
            assertEquals(about, new ArrayList<>(expected.keySet()),
                    new ArrayList<>(event.keySet()));
            assertEquals(about, SharedCases.number(expected.put("peak_score", 0L)),
                    SharedCases.number(event.put("peak_score", 0L)), TOLERANCE);
            assertEquals(about, expected, event);
        }
    }

    @Test
    public void eventsAreWrittenAsInPython() throws Exception {
        Map<String, Object> table = SharedCases.object(
                SharedCases.read("score_cases/table.json"));
        List<Event> events = new ArrayList<>();
        List<Object> json = new ArrayList<>();
        for (Object each : SharedCases.list(table.get("events"))) {
            Map<String, Object> one = SharedCases.object(each);
            Event event = new Event("begin".equals(one.get("phase")) ? Event.Phase.BEGIN
                    : Event.Phase.END, (String) one.get("label"), SharedCases.whole(one, "index"),
                    SharedCases.number(one.get("start_s")), SharedCases.number(one.get("end_s")),
                    (float) SharedCases.number(one.get("peak_score")),
                    (Long) one.get("started_at_ms"), (Long) one.get("ended_at_ms"));
            events.add(event);
            json.add(Json.parse(JsonWriter.write(event.asMap())));
        }
        assertEquals(table.get("csv"), EventTable.csv((String) table.get("feed"), events));
        assertEquals(table.get("json"), json);
    }

    @Test
    public void recordingsHaveNoMoments() {
        Event event = new Event(Event.Phase.END, "a", 0, 1, 2, 1, Event.RECORDED, Event.RECORDED);
        assertFalse(event.asMap().containsKey("started_at"));
        assertTrue(EventTable.csv("v", Collections.singletonList(event))
                .endsWith("v,end,0,a,1.0,2.0,1.0,,\r\n"));
    }

    @Test
    public void theHighestOfEachIsOfOneVideo() throws Exception {
        FakeEngine engine = new FakeEngine();
        engine.script = new float[][] {{9, -9, -9, -9}, {-9, 9, -9, -9}, {-9, -9, 9, -9}};
        try (Watch watch = new Watch(Manifests.watched(0, 0, "sigmoid", "null"), engine,
                WatchOptions.defaults().withHorizon(1))) {
            watch.see(frame, 0);
            watch.see(frame, 1);
            assertArrayEquals(new float[] {1, 1, 0, 0}, watch.answer(), 1e-3f);
            assertFalse("though some is forgotten", watch.answersWithMean());
            watch.reset();
            watch.see(frame, 0);
            assertArrayEquals(new float[] {0, 0, 1, 0}, watch.answer(), 1e-3f);
        }
    }

    @Test
    public void aCameraIsSmoothedAsTheModelSaysOrElseALittle() throws Exception {
        String said = "{'enter':[1,1,1,1],'leave':[0,0,0,0],'shortest_s':0,'smoothing_s':%s}";
        assertEquals(0.3, smoothing(WatchOptions.ofCamera(), "null"), 0);
        assertEquals(0, smoothing(WatchOptions.ofCamera(), String.format(said, "0")), 0);
        assertEquals(2, smoothing(WatchOptions.ofCamera(), String.format(said, "2")), 0);
        WatchOptions chosen = WatchOptions.ofCamera().withSmoothing(1.0);
        assertEquals(1, smoothing(chosen, String.format(said, "2")), 0);
        assertEquals(2, smoothing(chosen.withSmoothing(null), String.format(said, "2")), 0);
        assertEquals(0.3, smoothing(chosen.withSmoothing(null), "null"), 0);
        assertEquals(0, smoothing(WatchOptions.defaults(), "null"), 0);
    }

    private static double smoothing(WatchOptions options, String said) throws Exception {
        return options.smoothingOf(Manifests.watched(0, 0, "softmax", said));
    }

    @Test
    public void aResetBeginsAnotherVideo() throws Exception {
        FakeEngine engine = new FakeEngine();
        engine.script = new float[][] {{9, 0, 0, 0}, {9, 0, 0, 0}, {0, 9, 0, 0}};
        Watch watch = new Watch(Manifests.ofClasses(4), engine,
                WatchOptions.defaults().withSmoothing(100.0).withResets(false, 1, 0));
        assertNull(watch.answer());
        watch.see(frame, 0);
        watch.see(frame, 0.9);
        assertTrue(watch.isGoingOn(0));
        watch.reset();
        assertNull(watch.answer());
        assertFalse(watch.isGoingOn(0));
        assertEquals(0, watch.framesSeen());
        watch.see(frame, 700);
        assertNull("the first frame of a video ends no gap", watch.resetReason());
        assertEquals(1, watch.top(0));
        assertFalse(watch.answersWithMean());
        assertEquals(0, watch.answer()[0], 1e-3);
        watch.close();
        watch.close();
        assertEquals(0, engine.made.size());
        try {
            watch.see(frame, 701);
            fail();
        } catch (IllegalStateException error) {
            assertTrue(error.getMessage().contains("closed"));
        }
    }
}
