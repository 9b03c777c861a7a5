package org.movistream.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** The frames and times that Python chooses, too. */
public final class PacingCasesTest {
    @Test
    public void camerasArePacedAsInPython() throws Exception {
        List<Object> cases = cases("live");
        for (Object each : cases) {
            Map<String, Object> one = SharedCases.object(each);
            String about = one.get("about") + " at " + one.get("rate");
            FramePacer pacer = new FramePacer(SharedCases.number(one.get("rate")));
            // A second time from a reset.
            for (int pass = 0; pass < 2; pass++) {
                List<Object> times = new ArrayList<>();
                List<Object> picked = new ArrayList<>();
                for (Object stamp : SharedCases.list(one.get("stamps_s"))) {
                    if (pacer.isDue(SharedCases.number(stamp))) {
                        picked.add((long) times.size());
                    }
                    times.add(pacer.timeS());
                }
                assertEquals(about, numbers(one.get("times_s")), times);
                assertEquals(about, one.get("picked"), picked);
                pacer.reset();
            }
        }
        assertTrue(cases.size() > 80);
    }

    @Test
    public void recordingsArePacedAsInPython() throws Exception {
        List<Object> cases = cases("recorded");
        for (Object each : cases) {
            Map<String, Object> one = SharedCases.object(each);
            RecordingPacer pacer = new RecordingPacer(SharedCases.number(one.get("rate")));
            for (int pass = 0; pass < 2; pass++) {
                assertEquals(one.get("about") + " at " + one.get("rate"), one.get("picked"),
                        picked(pacer, SharedCases.list(one.get("times_s"))));
            }
        }
        assertTrue(cases.size() > 70);
    }

    @Test
    public void withoutARateAllArePicked() {
        List<Object> times = new ArrayList<>();
        FramePacer live = new FramePacer(0);
        for (int frame = 0; frame < 20; frame++) {
            times.add(frame / 100.0);
            assertTrue(live.isDue(5 + frame / 100.0));
            assertEquals(frame / 100.0, live.timeS(), 1e-12);
        }
        assertEquals(20, picked(new RecordingPacer(0), times).size());
    }

    @Test
    public void clocksAreThoseOfPython() throws Exception {
        List<Object> cases = cases("clock");
        for (Object each : cases) {
            Map<String, Object> one = SharedCases.object(each);
            StreamClock clock = new StreamClock(SharedCases.number(one.get("step_s")));
            for (int pass = 0; pass < 2; pass++) {
                List<Object> times = new ArrayList<>();
                for (Object own : SharedCases.list(one.get("own_s"))) {
                    times.add(clock.at(own == null ? StreamClock.NO_TIME
                            : SharedCases.number(own)));
                }
                assertEquals((String) one.get("about"), numbers(one.get("times_s")), times);
                clock.reset();
            }
        }
        assertTrue(cases.size() > 10);
    }

    private static List<Object> cases(String name) throws Exception {
        return SharedCases.list(SharedCases.read("pacing_cases/" + name + ".json"));
    }

    private static List<Object> picked(RecordingPacer pacer, List<Object> times) {
        List<Object> picked = new ArrayList<>();
        long frame = 0;
        for (Object timeS : times) {
            if (pacer.next(SharedCases.number(timeS))) {
                picked.add(frame - 1);
            }
            frame++;
        }
        if (pacer.end()) {
            picked.add(frame - 1);
        }
        return picked;
    }

    private static List<Object> numbers(Object list) {
        List<Object> numbers = new ArrayList<>();
        for (Object number : SharedCases.list(list)) {
            numbers.add(SharedCases.number(number));
        }
        return numbers;
    }
}
