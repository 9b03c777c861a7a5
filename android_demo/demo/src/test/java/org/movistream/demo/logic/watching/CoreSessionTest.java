package org.movistream.demo.logic.watching;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.junit.Test;
import org.movistream.core.Engine;
import org.movistream.core.Event;
import org.movistream.core.Manifest;
import org.movistream.core.TensorBuffer;
import org.movistream.core.YuvFrame;
import org.movistream.demo.logic.engines.ChosenEngine;
import org.movistream.demo.logic.engines.EngineChoice;
import org.movistream.demo.logic.engines.EngineSource;
import org.movistream.demo.logic.engines.MemoryGauge;
import org.movistream.demo.logic.settings.Settings;

/** What settings and a model make of logits together. */
public final class CoreSessionTest {
    private static final String SAID = "{'enter':[0.9,0.6,0.6,0.6],'leave':[0.5,0.5,0.5,0.5],"
            + "'shortest_s':0,'smoothing_s':0}";

    private final YuvFrame frame = new YuvFrame();
    private float[] logits;
    private double timeS;

    public CoreSessionTest() {
        frame.set(6, 4, 0, ByteBuffer.allocate(24), 6, ByteBuffer.allocate(6),
                ByteBuffer.allocate(6), 3, 1);
    }

    /** Answers with what the test says. */
    private final class Scripted implements Engine, TensorBuffer {
        @Override
        public List<String> inputNames() {
            return Collections.singletonList("image");
        }

        @Override
        public List<String> outputNames() {
            return Collections.singletonList("logits");
        }

        @Override
        public TensorBuffer createInput(String name) {
            return this;
        }

        @Override
        public TensorBuffer createOutput(String name) {
            return this;
        }

        @Override
        public void run(TensorBuffer[] inputs, TensorBuffer[] outputs) {}

        @Override
        public void write(float[] values) {}

        @Override
        public void write(byte[] values) {}

        @Override
        public void write(int[] values) {}

        @Override
        public void read(float[] into) {
            System.arraycopy(logits, 0, into, 0, into.length);
        }

        @Override
        public void read(byte[] into) {}

        @Override
        public void read(int[] into) {}

        @Override
        public String description() {
            return "scripted";
        }

        @Override
        public void close() {}
    }

    private CoreSession session(String activation, String events, Settings settings)
            throws Exception {
        String json = ("{'schema_version':3,'name':'m','states':[],'labels':['a','b','c','d'],"
                + "'input':{'tensor':'image','shape':[1,4,6,3],'dtype':'float32'},"
                + "'logits':{'tensor':'logits','classes':4,'dtype':'float32','activation':'"
                + activation + "'},'events':" + events + "}").replace('\'', '"');
        Manifest manifest = Manifest.parse(json.getBytes(StandardCharsets.UTF_8));
        ChosenEngine engine = new EngineChoice(new MemoryGauge() {
            @Override
            public boolean isLow() {
                return false;
            }

            @Override
            public long availableBytes() {
                return 1;
            }
        }).open(manifest, 0, new EngineSource() {
            @Override
            public boolean hasGpu() {
                return false;
            }

            @Override
            public Engine openCpu(int threads) {
                return new Scripted();
            }

            @Override
            public Engine openGpu() {
                throw new AssertionError();
            }

            @Override
            public double lowestCosine(Engine one, Engine other) {
                throw new AssertionError();
            }
        }, 1, 0, false);
        return CoreSession.begin(manifest, engine, settings);
    }

    private String shown(CoreSession session, float... next) throws Exception {
        logits = next;
        session.lookAtRecorded(frame, timeS);
        timeS += 0.25;
        StringBuilder words = new StringBuilder();
        for (int rank = 0; rank < session.count(); rank++) {
            words.append(session.label(rank)).append(session.isGoingOn(rank) ? "! " : " ");
        }
        return words.toString();
    }

    private static Settings settings() {
        return Settings.initial(1);
    }

    @Test
    public void whatIsGoingOnKeepsItsPlaceWhereSeveralMayBe() throws Exception {
        CoreSession session = session("sigmoid", SAID, settings());
        Latest latest = new Latest();
        assertTrue(session.seesSeveral());
        assertEquals("b a d ", shown(session, -3, -2, -9, -4));
        latest.take(session, 0);
        assertEquals("nothing is going on", "", latest.subject());
        assertEquals("b! d! a ", shown(session, -3, 4, -9, 3));
        assertEquals("b! d! a ", shown(session, -3, 3, -9, 4));
        latest.take(session, 1);
        assertEquals("b, d", latest.subject());
        assertEquals(0.98, latest.score(1), 0.01);
        assertEquals("a! b! c! ", shown(session, 3, 3, 5, 4));
        assertEquals("d! b a ", shown(session, -3, -1, -9, 1));
        session.close();
    }

    @Test
    public void theBestComesFirstWhereOneIsRight() throws Exception {
        CoreSession session = session("softmax", SAID.replace("0.6", "0.3").replace("0.5", "0.2"),
                settings());
        Latest latest = new Latest();
        assertFalse(session.seesSeveral());
        assertEquals("b! d! a ", shown(session, 0, 3, -1, 2.9f));
        assertEquals("d! b! a ", shown(session, 0, 2.9f, -1, 3));
        latest.take(session, 0);
        assertEquals("d", latest.subject());
        session.close();
    }

    @Test
    public void settingsSayWhatTheModelDoesNotOrOtherwise() throws Exception {
        String nothing = "null";
        assertEquals("[b]", ended(nothing, settings().withEvents(null, null, 0.0)));
        assertEquals("too short", "[]", ended(nothing, settings()));
        assertEquals("[b]", ended(SAID, settings()));
        assertEquals("[a, b]", ended(SAID, settings().withEvents(0.4, 0.4, null)));
        assertEquals("[]", ended(SAID, settings().withEvents(null, null, 5.0)));
        assertEquals("averaged over long", "[a, b, c, d]", ended(SAID,
                settings().withEvents(0.1, 0.1, null).withSmoothing(10.0)));
    }

    @Test
    public void anEventEndsAtTheScoreAtWhichTheModelBeginsItAtMost() throws Exception {
        assertEquals("[b]", ended(SAID, settings().withEvents(null, 0.8, null)));
        assertEquals("[b]", ended("null", settings().withEvents(null, 0.8, 0.0)));
    }

    /** The labels of what ends, where a, and more so b, is seen for a frame. */
    private String ended(String events, Settings settings) throws Exception {
        CoreSession session = session("sigmoid", events, settings);
        shown(session, -0.2f, 0.7f, -2, -2);
        StringBuilder labels = new StringBuilder();
        for (float[] later : new float[][] {{-9, -9, -9, -9}, {-9, -9, -9, -9}}) {
            shown(session, later);
            for (Event event : session.ended()) {
                labels.append(labels.length() == 0 ? "" : ", ").append(event.label);
            }
        }
        for (Event event : session.finish()) {
            labels.append(labels.length() == 0 ? "" : ", ").append(event.label);
        }
        session.close();
        return "[" + labels + "]";
    }
}
