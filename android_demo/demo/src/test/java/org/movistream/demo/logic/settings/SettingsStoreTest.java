package org.movistream.demo.logic.settings;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
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
                .withEngine(3, 64, true).withSmoothing(0.0).withEvents(0.9, 0.8, 2.0);
        store.write(chosen);
        Settings read = store.read(initial);
        assertTrue(read.watchesAs(chosen));
        assertEquals(Facing.FRONT, read.facing());
    }

    @Test
    public void whatIsLeftToTheModelStaysSo() {
        Settings chosen = initial.withSmoothing(1.0).withEvents(0.5, 0.3, 0.5);
        store.write(initial);
        Settings read = store.read(chosen);
        assertNull(read.smoothingS());
        assertNull(read.enter());
        assertNull(read.leave());
        assertNull(read.shortestS());
        store.write(initial.withEvents(null, 0.4, null));
        assertTrue(store.read(initial).watchesAs(initial.withEvents(null, 0.4, null)));
    }

    @Test
    public void whatEarlierVersionsBeganWithNobodyChose() {
        keepAsEarlierVersions("0.3", "0.5", "0.3", "0.5");
        assertTrue(store.read(initial).watchesAs(initial.withModel("mine.tflite")));
        keepAsEarlierVersions("0.0", "0.9", "0.3", "2.0");
        Settings read = store.read(initial);
        assertEquals("mine.tflite", read.model());
        assertEquals(0, read.smoothingS(), 0);
        assertEquals(0.9, read.enter(), 0);
        assertNull(read.leave());
        assertEquals(2, read.shortestS(), 0);
        store.write(initial.withSmoothing(0.3).withEvents(0.5, 0.3, 0.5));
        assertEquals("chosen with this version", 0.3, store.read(initial).smoothingS(), 0);
        assertEquals(0.5, store.read(initial).enter(), 0);
    }

    private void keepAsEarlierVersions(
            String smoothing, String enter, String leave, String shortest) {
        kept.clear();
        kept.put("model", "mine.tflite");
        kept.put("facing", "BACK");
        kept.put("threads", "2");
        kept.put("horizon_frames", "0");
        kept.put("gpu", "false");
        kept.put("smoothing_s", smoothing);
        kept.put("enter", enter);
        kept.put("leave", leave);
        kept.put("shortest_s", shortest);
    }

    @Test
    public void nothingKeptMeansTheInitialOnes() {
        assertTrue(store.read(initial).watchesAs(initial));
    }

    @Test
    public void eachBadValueFallsBackForItself() {
        Settings good = initial.withModel("mine.tflite").withEngine(1, 16, true)
                .withSmoothing(1.0).withEvents(0.7, 0.2, 1.0);
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
                Double one = 1.0;
                assertEquals(name.equals("smoothing_s") ? null : one, read.smoothingS());
                assertEquals(name.equals("shortest_s") ? null : one, read.shortestS());
                assertEquals(0.7, read.enter(), 0);
                assertTrue(read.gpu());
            }
        }
    }

    @Test
    public void thresholdsThatContradictEachOtherFallBackTogether() {
        store.write(initial.withEvents(0.2, 0.1, 1.0));
        kept.put("leave", "0.6");
        Settings read = store.read(initial);
        assertNull(read.enter());
        assertNull(read.leave());
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
        initial.withEvents(0.5, 0.6, 1.0);
    }

    @Test
    public void choicesBecomeSettings() {
        assertEquals(1, Choices.threads(0).length);
        assertEquals(4, Choices.threads(99).length);
        Settings chosen = Choices.settings(initial, 3, 16.0, true, 1.0, 0.2, 0.8, 5.0);
        assertEquals(0.2, chosen.leave(), 0);
        assertEquals(16, chosen.horizonFrames());
        assertEquals(2, Choices.nearest(Choices.HORIZON_FRAMES, Choices.horizon(chosen)));
        Settings left = Choices.settings(chosen, 2, null, false, null, null, null, null);
        assertTrue(left.watchesAs(initial));
        assertEquals(0, Choices.nearest(Choices.HORIZON_FRAMES, Choices.horizon(left)));
        Settings ends = Choices.settings(initial, 2, null, false, null, null, 0.8, null);
        assertEquals(0.8, ends.leave(), 0);
    }

    @Test
    public void listsBeginWithWhatTheModelSays() {
        Double[][] lists = {Choices.HORIZON_FRAMES, Choices.SMOOTHING_S, Choices.ENTER,
            Choices.LEAVE, Choices.SHORTEST_S};
        for (Double[] list : lists) {
            assertEquals(0, Choices.nearest(list, null));
            for (int index = 1; index < list.length; index++) {
                assertEquals(index, Choices.nearest(list, list[index]));
            }
            assertEquals("a number is nearer", 1, Choices.nearest(list, -7.0));
            assertEquals(list.length - 1, Choices.nearest(list, 1e6));
        }
    }
}
