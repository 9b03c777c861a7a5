package org.movistream.desktop;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.Test;
import org.movistream.core.Engine;
import org.movistream.core.Manifest;
import org.movistream.core.ModelDescription;
import org.movistream.core.Preprocessor;
import org.movistream.core.ProcessMemory;
import org.movistream.core.Snapshot;
import org.movistream.core.Stream;

/** The same frames and files as in Python, and the same numbers. */
public final class ParityTest {
    /** Of the numbers that pixels become: some last bits of a float. */
    private static final float PIXEL_TOLERANCE = 3e-7f;
    /** Of the largest |logit|. */
    private static final float FLOAT_TOLERANCE = 1e-5f;
    private static final int LONG_STEPS = 10_000;
    private static final long MOST_GROWN_BYTES = 1 << 20;

    @Test
    public void pixelsAreThoseOfPython() throws Exception {
        for (Object each : Expectations.models()) {
            Map<?, ?> model = (Map<?, ?>) each;
            comparePixels(name(model), Expectations.describe(model).manifest, model);
        }
    }

    @Test
    public void pixelsOfOtherImagesAreThoseOfPython() throws Exception {
        List<?> images = (List<?>) Expectations.cases().get("images");
        for (Object each : images) {
            Map<?, ?> image = (Map<?, ?>) each;
            String json = (String) image.get("manifest");
            Manifest manifest = Manifest.parse(json.getBytes(StandardCharsets.UTF_8));
            comparePixels(manifest.name, manifest, image);
        }
        assertTrue(images.size() > 5);
    }

    private static void comparePixels(String name, Manifest manifest, Map<?, ?> expected)
            throws Exception {
        List<?> layouts = (List<?>) Expectations.cases().get("single");
        Preprocessor preprocessor = new Preprocessor(manifest.input);
        ByteBuffer frames = Expectations.bytes("single.yuv");
        ByteBuffer wanted = Expectations.bytes((String) expected.get("images"));
        float largest = 0;
        float largestValue = 1;
        int differing = 0;
        int total = 0;
        for (Object layout : layouts) {
            Object image = preprocessor.prepare(Expectations.next(frames, (Map<?, ?>) layout));
            boolean bytes = image instanceof byte[];
            int length = bytes ? ((byte[]) image).length : ((float[]) image).length;
            total += length;
            for (int index = 0; index < length; index++) {
                float value = bytes ? ((byte[]) image)[index] : ((float[]) image)[index];
                float difference = Math.abs(value - (bytes ? wanted.get() : wanted.getFloat()));
                largest = Math.max(largest, difference);
                largestValue = Math.max(largestValue, Math.abs(value));
                differing += difference == 0 ? 0 : 1;
            }
            float tolerance = bytes ? 1 : PIXEL_TOLERANCE * largestValue;
            assertTrue(name + ", " + layout + ": " + largest, largest <= tolerance);
        }
        assertEquals("all of Python's pixels are compared", 0, wanted.remaining());
        System.out.println(name + ": pixels differ by at most " + largest + ", "
                + differing + " of " + total + " at all");
        // A byte differs only where the mixture lies on the edge between two.
        assertTrue(name, differing < total / 1000 || largest < 1);
    }

    @Test
    public void logitsAreThoseOfPython() throws Exception {
        Map<?, ?> layout = (Map<?, ?>) Expectations.cases().get("stream");
        for (Object each : Expectations.models()) {
            Map<?, ?> model = (Map<?, ?>) each;
            ModelDescription described = Expectations.describe(model);
            Engine engine = Expectations.open(described);
            Stream stream = new Stream(engine, described.manifest, 0);
            Preprocessor preprocessor = new Preprocessor(described.manifest.input);
            ByteBuffer frames = Expectations.bytes("stream.yuv");
            ByteBuffer wanted = Expectations.bytes((String) model.get("logits"));
            float largestError = 0;
            float largestLogit = 0;
            int agreeing = 0;
            int count = Expectations.number(layout, "frames");
            for (int frame = 0; frame < count; frame++) {
                float[] logits = stream.step(
                        preprocessor.prepare(Expectations.next(frames, layout)));
                float[] python = new float[logits.length];
                wanted.asFloatBuffer().get(python);
                wanted.position(wanted.position() + 4 * python.length);
                for (int index = 0; index < logits.length; index++) {
                    largestError =
                            Math.max(largestError, Math.abs(logits[index] - python[index]));
                    largestLogit = Math.max(largestLogit, Math.abs(python[index]));
                }
                agreeing += best(logits) == best(python) ? 1 : 0;
            }
            engine.close();
            System.out.println("TABLE " + name(model) + " logits_error " + largestError
                    + " largest_logit " + largestLogit + " top_1 " + agreeing + "/" + count);
            // Within one step of the 255 that the largest logit spans, where arithmetic is int8.
            boolean int8 = described.manifest.quantization.equals("int8");
            float tolerance = largestLogit * (int8 ? 1 / 127f : FLOAT_TOLERANCE);
            assertTrue(name(model) + ": " + largestError, largestError <= tolerance);
            assertEquals(count, agreeing);
        }
    }

    @Test
    public void snapshotAndRestoreRepeatExactly() throws Exception {
        for (Object each : Expectations.models()) {
            ModelDescription described = Expectations.describe((Map<?, ?>) each);
            Engine engine = Expectations.open(described);
            Stream stream = new Stream(engine, described.manifest, 0);
            Object[] images = images(described);
            for (int step = 0; step < 7; step++) {
                stream.step(images[step]);
            }
            Snapshot snapshot = stream.snapshot();
            float[][] first = new float[9][];
            for (int step = 0; step < first.length; step++) {
                first[step] = stream.step(images[step]).clone();
            }
            stream.restore(snapshot);
            Stream other = new Stream(engine, described.manifest, 0);
            other.restore(snapshot);
            for (int step = 0; step < first.length; step++) {
                assertArrayEquals(first[step], stream.step(images[step]), 0);
                assertArrayEquals("in turns with another", first[step],
                        other.step(images[step]), 0);
            }
            stream.reset();
            float[] fresh = stream.step(images[0]).clone();
            stream.step(images[1]);
            stream.reset();
            assertArrayEquals(fresh, stream.step(images[0]), 0);
            engine.close();
        }
    }

    @Test
    public void tenThousandStepsDoNotGrow() throws Exception {
        for (Object each : Expectations.models()) {
            Map<?, ?> model = (Map<?, ?>) each;
            ModelDescription described = Expectations.describe(model);
            Engine engine = Expectations.open(described);
            Stream stream = new Stream(engine, described.manifest, 0);
            Object[] images = images(described);
            run(stream, images, LONG_STEPS);
            System.gc();
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long thread = Thread.currentThread().getId();
            long allocatedBefore = threads.getThreadAllocatedBytes(thread);
            long before = ProcessMemory.privateDirtyBytes();
            run(stream, images, LONG_STEPS);
            long allocated = threads.getThreadAllocatedBytes(thread) - allocatedBefore;
            long grown = ProcessMemory.privateDirtyBytes() - before;
            engine.close();
            System.out.println(name(model) + ": " + LONG_STEPS + " steps grew memory by " + grown
                    + " bytes and allocated " + allocated / (double) LONG_STEPS
                    + " bytes a step");
            assertTrue("grew by " + grown, grown < MOST_GROWN_BYTES);
        }
    }

    private static void run(Stream stream, Object[] images, int steps) throws Exception {
        for (int step = 0; step < steps; step++) {
            stream.step(images[step % images.length]);
        }
    }

    /** The stream's first frames, prepared, each in an array of its own. */
    private static Object[] images(ModelDescription described) throws Exception {
        Map<?, ?> layout = (Map<?, ?>) Expectations.cases().get("stream");
        ByteBuffer frames = Expectations.bytes("stream.yuv");
        Preprocessor preprocessor = new Preprocessor(described.manifest.input);
        Object[] images = new Object[10];
        for (int frame = 0; frame < images.length; frame++) {
            Object image = preprocessor.prepare(Expectations.next(frames, layout));
            images[frame] = image instanceof byte[] ? ((byte[]) image).clone()
                    : (Object) ((float[]) image).clone();
        }
        return images;
    }

    private static int best(float[] logits) {
        int best = 0;
        for (int index = 1; index < logits.length; index++) {
            best = logits[index] > logits[best] ? index : best;
        }
        return best;
    }

    private static String name(Map<?, ?> model) {
        String path = (String) model.get("model");
        return path.substring(path.lastIndexOf('/') + 1);
    }
}
