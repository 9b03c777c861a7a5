package org.movistream.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.io.File;
import java.io.FileOutputStream;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.Test;

public final class SmallPartsTest {
    @Test
    public void percentilesByHand() {
        Distribution times = new Distribution(new double[] {4, 1, 3, 2});
        assertEquals(1, times.percentile(0), 0);
        assertEquals(2.5, times.median(), 1e-12);
        assertEquals(3.85, times.percentile(95), 1e-12);
        assertEquals(4, times.percentile(100), 0);
        assertEquals(7, new Distribution(new double[] {7}).percentile(99), 0);
    }

    @Test
    public void aPacerKeepsTheModelsRate() {
        FramePacer pacer = new FramePacer(10);
        int seen = 0;
        for (int frame = 0; frame < 300; frame++) {
            seen += pacer.isDue(100 + frame / 30.0) ? 1 : 0;
        }
        assertEquals(100, seen);
        FramePacer all = new FramePacer(0);
        assertTrue(all.isDue(1) && all.isDue(1.001));
    }

    @Test
    public void aHistoryKeepsTheLast() {
        History history = new History(3);
        float[] into = new float[3];
        assertEquals(0, history.copyTo(into));
        for (int value = 1; value <= 5; value++) {
            history.add(value);
        }
        assertEquals(3, history.copyTo(into));
        assertArrayEquals(new float[] {3, 4, 5}, into, 0);
        history.clear();
        assertEquals(0, history.copyTo(into));
    }

    @Test
    public void jsonThereAndBack() throws Exception {
        String text = "{\"a\":[1,2.5,-3.0E-4,true,false,null,\"x\\\"\\\\é\\u0001\"],"
                + "\"b\":{},\"c\":[]}";
        Object value = Json.parse(text);
        assertEquals(text, JsonWriter.write(value));
        Map<String, Object> members = SharedCases.object(value);
        List<Object> list = SharedCases.list(members.get("a"));
        assertEquals(1L, list.get(0));
        assertEquals("x\"\\é\u0001", list.get(6));
        assertEquals("null", JsonWriter.write(Double.NaN));
    }

    @Test
    public void textThatIsNoJson() {
        StringBuilder deep = new StringBuilder();
        for (int depth = 0; depth < 100_000; depth++) {
            deep.append('[');
        }
        for (String text : Arrays.asList("", "{", "[1,]", "{\"a\"}", "{a:1}", "01", "1.", "+1",
                "\"\n\"", "\"\\x\"", "nul", "1 2", "[1", "\"", "-", "NaN", "\"\\u12\"",
                deep.toString())) {
            try {
                Json.parse(text);
                fail(text);
            } catch (ModelException error) {
                assertTrue(error.getMessage().startsWith("no JSON"));
            }
        }
    }

    @Test
    public void ofEqualScoresTheLowerClassIsFirst() {
        int[] top = new int[3];
        Scorer.top(new float[] {0.1f, 0.4f, 0.4f, 0.1f}, top);
        assertArrayEquals(new int[] {1, 2, 0}, top);
    }

    @Test
    public void optionsOutOfRangeAreRefused() throws Exception {
        double[][] wrongScores = {{0, 0}, {-1, 0}, {Double.NaN, 0}, {1, -1}, {1, Double.NaN}};
        for (double[] one : wrongScores) {
            try {
                new Scorer(2, one[0], one[1], Manifest.Activation.SOFTMAX);
                fail(Arrays.toString(one));
            } catch (IllegalArgumentException error) {
                assertTrue(error.getMessage().contains("temperature"));
            }
        }
        Double[][] wrongEvents = {{0.0, 0.0, 0.0}, {1.1, 0.0, 0.0}, {0.5, 0.6, 0.0},
            {0.5, -0.1, 0.0}, {0.5, 0.3, -1.0}, {Double.NaN, 0.0, 0.0}, {null, 1.1, null},
            {null, -0.1, null}, {null, Double.NaN, null}, {null, 0.6, null}, {0.0, null, null},
            {null, null, Double.NaN}};
        for (Double[] one : wrongEvents) {
            try {
                new EventRules(Manifests.ofClasses(2), one[0], one[1], one[2]);
                fail(Arrays.toString(one));
            } catch (IllegalArgumentException error) {
                assertTrue(error.getMessage().contains("event"));
            }
        }
    }

    @Test
    public void filesThatAreNoModels() throws Exception {
        byte[][] contents = {{}, "short".getBytes("US-ASCII"),
            "<html>not found</html>".getBytes("US-ASCII"), new byte[100],
            "\0\0\0\0TFL3\0\0\0\0\0\0\0\0\0\0\0\0".getBytes("US-ASCII"),
            "\177\177\177\177TFL3\0\0\0\0\0\0\0\0\0\0\0\0".getBytes("US-ASCII")};
        for (byte[] content : contents) {
            File file = Files.createTempFile("model", ".tflite").toFile();
            try (FileOutputStream out = new FileOutputStream(file)) {
                out.write(content);
            }
            try {
                ModelDescription.read(file);
                fail(Arrays.toString(content));
            } catch (ModelException error) {
                assertTrue(error.getMessage().startsWith(file.getName() + ": it "));
                assertFalse(error.getMessage().contains("\n"));
            } finally {
                assertTrue(file.delete());
            }
        }
        try {
            ModelDescription.read(new File("nowhere.tflite"));
            fail();
        } catch (ModelException error) {
            assertEquals("nowhere.tflite: it cannot be read", error.getMessage());
        }
    }

    @Test
    public void memoryOfThisProcess() {
        assertTrue(ProcessMemory.residentBytes() > 1 << 20);
        assertTrue(ProcessMemory.peakBytes() >= ProcessMemory.privateDirtyBytes());
    }
}
