package org.movistream.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.util.HashSet;
import java.util.Set;
import org.junit.Test;

public final class StreamTest {
    private static final float[] IMAGE = new float[4 * 6 * 3];

    private final FakeEngine engine = new FakeEngine();

    @Test
    public void handlesRotateAndNothingElse() throws Exception {
        Stream stream = new Stream(engine, Manifests.ofClasses(4), 0);
        int made = engine.made.size();
        for (int step = 0; step < 20; step++) {
            TensorBuffer first = stream.input("b0");
            TensorBuffer second = stream.input("b1");
            TensorBuffer third = stream.input("b2");
            TensorBuffer mean = stream.input("m");
            TensorBuffer image = stream.input("image");
            stream.step(IMAGE);
            assertSame(second, stream.input("b0"));
            assertSame(third, stream.input("b1"));
            assertSame(image, stream.input("image"));
            assertTrue(mean != stream.input("m"));
            Set<TensorBuffer> held = new HashSet<>();
            for (String name : engine.inputNames()) {
                held.add(stream.input(name));
            }
            assertEquals(engine.inputNames().size(), held.size());
            assertTrue(first != stream.input("b2") && !held.contains(first));
        }
        assertEquals("no buffer is made behind the start", made, engine.made.size());
    }

    @Test
    public void stateValuesByHand() throws Exception {
        Stream stream = new Stream(engine, Manifests.ofClasses(4), 0);
        // Oldest and newest past frame, mean, clock; frames before the first are -7.
        float[][] wanted = {{-7, -7, 0, 0}, {-7, 1, 1, 1}, {-7, 2, 2, 2}, {1, 3, 3, 3},
            {2, 4, 4, 4}};
        for (float[] row : wanted) {
            assertArrayEquals(row, stream.step(IMAGE), 0);
        }
        assertEquals(5, stream.framesSeen());
        stream.reset();
        assertArrayEquals(wanted[0], stream.step(IMAGE), 0);
    }

    @Test
    public void aHorizonHoldsTheClock() throws Exception {
        Stream stream = new Stream(engine, Manifests.ofClasses(4), 3);
        float[] clocks = new float[6];
        for (int step = 0; step < clocks.length; step++) {
            clocks[step] = stream.step(IMAGE)[3];
        }
        assertArrayEquals(new float[] {0, 1, 2, 2, 2, 2}, clocks, 0);
    }

    @Test
    public void statesThatBeginLaterStayAsTheyAre() throws Exception {
        Stream stream = new Stream(engine, Manifests.late(2, 1, 3, 2, 3), 0);
        // The buffer takes the third run's frame first, the mean the second's, the clock the fourth's.
        float[][] wanted = {{-7, -7, 0, 0}, {-7, -7, 0, 0}, {-7, -7, 1, 0}, {-7, 3, 2, 0},
            {-7, 4, 3, 1}, {3, 5, 4, 2}};
        for (int pass = 0; pass < 2; pass++) {
            engine.runs = 0;
            for (float[] row : wanted) {
                assertArrayEquals(row, stream.step(IMAGE), 0);
            }
            stream.reset();
        }
    }

    @Test
    public void aHorizonBeginsWithTheClock() throws Exception {
        Stream stream = new Stream(engine, Manifests.late(0, 0, 3, 0, 0), 2);
        float[] clocks = new float[7];
        for (int step = 0; step < clocks.length; step++) {
            clocks[step] = stream.step(IMAGE)[3];
        }
        assertArrayEquals(new float[] {0, 0, 0, 0, 1, 1, 1}, clocks, 0);
    }

    @Test
    public void theFileHasAHorizonToo() throws Exception {
        Manifest manifest = Manifests.of(4, "float32", "[0,1]", ",'horizon_frames':2");
        Stream stream = new Stream(engine, manifest, 0);
        for (int step = 0; step < 4; step++) {
            assertEquals(Math.min(step, 1), stream.step(IMAGE)[3], 0);
        }
    }

    @Test
    public void snapshotAndRestore() throws Exception {
        Stream stream = new Stream(engine, Manifests.ofClasses(4), 0);
        for (int step = 0; step < 5; step++) {
            stream.step(IMAGE);
        }
        Snapshot snapshot = stream.snapshot();
        int runs = engine.runs;
        float[][] first = new float[4][];
        for (int step = 0; step < first.length; step++) {
            first[step] = stream.step(IMAGE).clone();
        }
        stream.restore(snapshot);
        engine.runs = runs;
        assertEquals(5, stream.framesSeen());
        for (float[] row : first) {
            assertArrayEquals(row, stream.step(IMAGE), 0);
        }
    }

    @Test
    public void anAnswerThatIsNoNumberLeavesTheStreamUnchanged() throws Exception {
        Stream stream = new Stream(engine, Manifests.ofClasses(4), 0);
        stream.step(IMAGE);
        TensorBuffer oldest = stream.input("b0");
        ((FakeEngine.Buffer) stream.input("m")).value = Float.NaN;
        try {
            stream.step(IMAGE);
            fail();
        } catch (EngineException error) {
            assertTrue(error.getMessage().contains("frame 1 is not a number"));
        }
        assertSame(oldest, stream.input("b0"));
        assertEquals(1, stream.framesSeen());
    }

    @Test
    public void typesThatAreNotCarriedAreRefused() throws Exception {
        Manifest manifest = Manifest.parse(("{\"name\":\"t\",\"input\":{\"tensor\":\"image\","
                + "\"shape\":[1,4,6,3],\"dtype\":\"float32\"},\"logits\":{\"tensor\":\"logits\","
                + "\"classes\":4,\"dtype\":\"float32\"},\"states\":[{\"name\":\"m\",\"role\":"
                + "\"pool\",\"inputs\":[\"m\"],\"output\":\"m\",\"advance\":\"replace\","
                + "\"shape\":[1],\"dtype\":\"int64\"}]}").getBytes("UTF-8"));
        try {
            new Stream(engine, manifest, 0);
            fail();
        } catch (ModelException error) {
            assertTrue(error.getMessage().contains("int64"));
        }
    }

    @Test
    public void closedStreamsGiveTheirBuffersBack() throws Exception {
        try (Stream kept = new Stream(engine, Manifests.ofClasses(4), 0)) {
            int buffers = engine.made.size();
            for (int round = 0; round < 100; round++) {
                Stream stream = new Stream(engine, Manifests.ofClasses(4), 0);
                for (int step = 0; step < round % 7; step++) {
                    stream.step(IMAGE);
                }
                assertEquals(2 * buffers, engine.made.size());
                stream.close();
                stream.close();
                assertEquals(buffers, engine.made.size());
            }
            kept.step(IMAGE);
        }
        assertEquals("no buffer is left", 0, engine.made.size());
    }

    @Test
    public void aStreamThatCannotBeMadeLeavesNoBuffer() throws Exception {
        for (engine.mostBuffers = 0; engine.mostBuffers < 10; engine.mostBuffers++) {
            try {
                new Stream(engine, Manifests.ofClasses(4), 0).close();
                fail();
            } catch (EngineException error) {
                assertEquals(0, engine.made.size());
            }
        }
    }

    @Test
    public void aClosedStreamSaysSo() throws Exception {
        final Stream stream = new Stream(engine, Manifests.ofClasses(4), 0);
        Snapshot snapshot = stream.snapshot();
        stream.close();
        int refused = 0;
        for (int use = 0; use < 4; use++) {
            try {
                switch (use) {
                    case 0:
                        stream.step(IMAGE);
                        break;
                    case 1:
                        stream.reset();
                        break;
                    case 2:
                        stream.snapshot();
                        break;
                    default:
                        stream.restore(snapshot);
                }
            } catch (IllegalStateException error) {
                assertTrue(error.getMessage().contains("closed"));
                refused++;
            }
        }
        assertEquals(4, refused);
    }
}
