package org.movistream.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.util.List;
import org.junit.Test;

/** Who says when something counts as seen: options, then the model, then the defaults. */
public final class EventRulesTest {
    private static final String SAID = "{'enter':[0.6,0.25,1,0.5],'leave':[0.55,0.1,0.3,0],"
            + "'shortest_s':0.2,'smoothing_s':0}";

    private static Manifest saying(String events) throws ModelException {
        return Manifests.watched(0, 0, "sigmoid", events);
    }

    private static void assertRules(String said, Double enter, Double leave, Double shortestS,
            double[] begins, double[] ends, double shortest) throws ModelException {
        EventRules rules = new EventRules(saying(said), enter, leave, shortestS);
        for (int index = 0; index < begins.length; index++) {
            assertEquals((float) begins[index], rules.enter[index], 0);
            assertEquals(ends[index], rules.leave[index], 0);
        }
        assertEquals(shortest, rules.shortestS, 0);
    }

    @Test
    public void optionsThenTheModelThenDefaults() throws Exception {
        double[] halves = {0.5, 0.5, 0.5, 0.5};
        double[] thirds = {0.3, 0.3, 0.3, 0.3};
        double[] fifths = {0.2, 0.2, 0.2, 0.2};
        double[] said = {0.6, 0.25, 1, 0.5};
        assertRules("null", null, null, null, halves, thirds, 0.5);
        assertRules("null", 0.2, null, null, fifths, fifths, 0.5);
        assertRules(SAID, null, null, null, said, new double[] {0.55, 0.1, 0.3, 0}, 0.2);
        assertRules(SAID, 0.3, null, null, thirds, new double[] {0.3, 0.1, 0.3, 0}, 0.2);
        assertRules(SAID, null, 0.2, null, said, fifths, 0.2);
        assertRules(SAID, 0.5, 0.3, 0.0, halves, thirds, 0);
    }

    @Test
    public void anEventDoesNotEndAtAScoreAtWhichItBegins() throws Exception {
        assertEquals(0.25, new EventRules(saying(SAID), null, null, null).lowestEnter(), 0);
        assertRefused(SAID, 0.3, "begins at 0.25 cannot end below 0.3 already");
        assertRefused("null", 0.6, "begins at 0.5 cannot end below 0.6 already");
    }

    private static void assertRefused(String said, double leave, String message)
            throws ModelException {
        try {
            new EventRules(saying(said), null, leave, null);
            fail(message);
        } catch (IllegalArgumentException error) {
            assertTrue(error.getMessage(), error.getMessage().contains(message));
        }
    }

    private static String told(EventDetector detector, double timeS, float... scores) {
        List<Event> events = detector.update(timeS, scores, Event.RECORDED);
        StringBuilder words = new StringBuilder();
        for (Event event : events) {
            words.append(event.phase).append(event.index).append(' ');
        }
        return words.toString();
    }

    @Test
    public void eachClassHasItsOwnScores() throws Exception {
        Manifest manifest = saying(SAID);
        EventDetector detector =
                new EventDetector(manifest, new EventRules(manifest, null, null, 0.0));
        assertEquals("begin1 ", told(detector, 0, 0.5f, 0.3f, 0.99f, 0.49f));
        assertEquals("begin0 begin2 ", told(detector, 0.1, 0.7f, 0.2f, 1, 0));
        assertEquals("end0 ", told(detector, 0.2, 0.5f, 0.2f, 0.3f, 0));
        assertEquals("end1 end2 ", told(detector, 0.3, 0.5f, 0.09f, 0.29f, 0));
        assertEquals("begin3 ", told(detector, 0.4, 0, 0, 0, 0.5f));
        assertEquals("below 0 is no score", "", told(detector, 0.5, 0, 0, 0, 0));
    }

    /** Scores are floats, and what is asked for is made as exact, as in Python. */
    @Test
    public void anEventBeginsAtTheScoreItself() throws Exception {
        Manifest manifest = saying("null");
        EventDetector detector =
                new EventDetector(manifest, new EventRules(manifest, 0.7, 0.3, 0.0));
        assertEquals("begin1 ", told(detector, 0, 0.69999f, 0.7f, 0, 0));
    }
}
