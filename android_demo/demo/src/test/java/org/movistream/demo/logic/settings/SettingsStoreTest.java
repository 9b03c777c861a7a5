package org.movistream.demo.logic.settings;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.util.HashMap;
import java.util.Map;
import org.junit.Test;
import org.movistream.demo.logic.camera.Facing;

public final class SettingsStoreTest {
    private final Map<String, Object> kept = new HashMap<>();
    private final Preferences preferences = new Preferences() {
        @Override
        public String get(String name) {
            return (String) kept.get(name);
        }

        @Override
        public void put(String name, String value) {
            kept.put(name, value);
        }
    };
    private final SettingsStore store = new SettingsStore(preferences);
    private final Settings initial = Settings.initial(8);

    @Test
    public void whatWasWrittenIsRead() {
        Settings chosen = initial.withModel("a (2).tflite").withFacing(Facing.FRONT)
                .withEngine(3, 64, true).withSmoothing(0).withEvents(0.9, 0.8, 2);
        store.write(chosen);
        Settings read = store.read(initial);
        assertTrue(read.watchesAs(chosen));
        assertEquals(Facing.FRONT, read.facing());
    }

    @Test
    public void nothingKeptMeansTheInitialOnes() {
        assertTrue(store.read(initial).watchesAs(initial));
    }

    @Test
    public void eachBadValueFallsBackForItself() {
        Settings good = initial.withModel("mine.tflite").withEngine(1, 16, true)
                .withSmoothing(1).withEvents(0.7, 0.2, 1);
        String[] names = {"threads", "horizon_frames", "smoothing_s", "shortest_s"};
        for (String bad : new String[] {"-1", "1e9", "NaN", "many", ""}) {
            for (String name : names) {
                store.write(good);
                kept.put(name, bad);
                Settings read = store.read(initial);
                assertFalse(name + bad, read.watchesAs(good));
                assertEquals("mine.tflite", read.model());
                assertEquals(name.equals("threads") ? 2 : 1, read.threads());
                assertEquals(name.equals("horizon_frames") ? 0 : 16, read.horizonFrames());
                assertEquals(name.equals("smoothing_s") ? 0.3 : 1, read.smoothingS(), 0);
                assertEquals(name.equals("shortest_s") ? 0.5 : 1, read.shortestS(), 0);
                assertEquals(0.7, read.enter(), 0);
                assertTrue(read.gpu());
            }
        }
    }

    @Test
    public void thresholdsThatContradictEachOtherFallBackTogether() {
        store.write(initial.withEvents(0.2, 0.1, 1));
        kept.put("leave", "0.6");
        Settings read = store.read(initial);
        assertEquals(0.5, read.enter(), 0);
        assertEquals(0.3, read.leave(), 0);
        assertEquals(1, read.shortestS(), 0);
    }

    @Test
    public void valuesOfAnotherKindFallBack() {
        store.write(initial.withEngine(4, 4, true));
        kept.put("threads", 4);
        kept.put("gpu", Boolean.TRUE);
        kept.put("facing", "SIDEWAYS");
        Settings read = store.read(initial);
        assertEquals(2, read.threads());
        assertEquals(4, read.horizonFrames());
        assertFalse(read.gpu());
        assertEquals(Facing.BACK, read.facing());
    }

    @Test(expected = IllegalArgumentException.class)
    public void noSettingsAreOutOfRange() {
        initial.withEvents(0.5, 0.6, 1);
    }

    @Test
    public void choicesBecomeSettings() {
        assertEquals(2, Choices.nearest(Choices.SMOOTHING_S, initial.smoothingS()));
        assertEquals(5, Choices.nearest(Choices.SHORTEST_S, 50));
        assertEquals(1, Choices.threads(0).length);
        assertEquals(4, Choices.threads(99).length);
        Settings chosen = Choices.settings(initial, 3, 16, true, 1, 0.2, 0.8, 5);
        assertEquals(0.2, chosen.leave(), 0);
        assertEquals(16, chosen.horizonFrames());
    }
}
