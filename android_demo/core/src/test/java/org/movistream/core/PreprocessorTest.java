package org.movistream.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.fail;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.Test;

/** By hand; the comparison with Python's pixels is the desktop's ParityTest. */
public final class PreprocessorTest {
    /** A grey frame, whose brightness is given row by row. */
    private static YuvFrame grey(int width, int height, int rotation, int... rows) {
        ByteBuffer y = ByteBuffer.allocate(width * height);
        for (int value : rows) {
            y.put((byte) value);
        }
        int chromaWidth = (width + 1) / 2;
        ByteBuffer chroma = ByteBuffer.allocate(chromaWidth * ((height + 1) / 2));
        while (chroma.hasRemaining()) {
            chroma.put((byte) 128);
        }
        YuvFrame frame = new YuvFrame();
        frame.set(width, height, rotation, y, width, chroma, chroma, chromaWidth, 1);
        return frame;
    }

    private static float[] red(Object prepared) {
        float[] values = (float[]) prepared;
        float[] red = new float[values.length / 3];
        for (int pixel = 0; pixel < red.length; pixel++) {
            red[pixel] = values[3 * pixel] * 255;
            assertEquals(values[3 * pixel], values[3 * pixel + 1], 0);
        }
        return red;
    }

    /** A 4 by 6 target of a frame in which brightness counts the pixels. */
    private static int[] counted() {
        int[] values = new int[24];
        for (int index = 0; index < values.length; index++) {
            values[index] = index * 10;
        }
        return values;
    }

    @Test
    public void aFrameOfTheRightSizeIsOnlyScaled() throws Exception {
        Preprocessor preprocessor = new Preprocessor(Manifests.ofClasses(1).input);
        float[] red = red(preprocessor.prepare(grey(6, 4, 0, counted())));
        for (int index = 0; index < red.length; index++) {
            assertEquals(index * 10, red[index], 1e-4);
        }
    }

    @Test
    public void turnedUpsideDown() throws Exception {
        Preprocessor preprocessor = new Preprocessor(Manifests.ofClasses(1).input);
        float[] red = red(preprocessor.prepare(grey(6, 4, 180, counted())));
        for (int index = 0; index < red.length; index++) {
            assertEquals((23 - index) * 10, red[index], 1e-4);
        }
    }

    @Test
    public void turnedToTheSides() throws Exception {
        Preprocessor preprocessor = new Preprocessor(Manifests.ofClasses(1).input);
        // In memory 4 wide and 6 high; upright 6 wide and 4 high.
        float[] right = red(preprocessor.prepare(grey(4, 6, 90, counted())));
        float[] left = red(preprocessor.prepare(grey(4, 6, 270, counted())));
        // Clockwise, the first row becomes the last column.
        assertArrayEquals(new float[] {200, 160, 120, 80, 40, 0},
                Arrays.copyOf(right, 6), 1e-4f);
        assertArrayEquals(new float[] {30, 70, 110, 150, 190, 230},
                Arrays.copyOf(left, 6), 1e-4f);
    }

    @Test
    public void int8HoldsEveryByteExactly() throws Exception {
        Manifest manifest = Manifests.of(1, "int8", "[-128,127]", "");
        byte[] stored = (byte[]) new Preprocessor(manifest.input)
                .prepare(grey(6, 4, 0, counted()));
        for (int pixel = 0; pixel < 24; pixel++) {
            assertEquals(pixel * 10 - 128, stored[3 * pixel]);
        }
    }

    @Test
    public void anotherRange() throws Exception {
        Manifest manifest = Manifests.of(1, "float32", "[-1,1]", "");
        float[] values = (float[]) new Preprocessor(manifest.input)
                .prepare(grey(6, 4, 0, counted()));
        assertEquals(-1, values[0], 1e-6);
        assertEquals(230 / 127.5 - 1, values[23 * 3], 1e-6);
    }

    @Test
    public void planesThatAreTooShortAreRefused() {
        YuvFrame frame = new YuvFrame();
        ByteBuffer plane = ByteBuffer.allocate(24);
        int[][] wrong = {{6, 5, 0, 6, 3, 1}, {6, 4, 0, 5, 3, 1}, {6, 4, 0, 6, 30, 1},
            {6, 4, 45, 6, 3, 1}, {6, 4, -90, 6, 3, 1}, {0, 4, 0, 6, 3, 1}, {6, 4, 0, 6, 3, 40}};
        int refused = 0;
        for (int[] one : wrong) {
            try {
                frame.set(one[0], one[1], one[2], plane, one[3], plane, plane, one[4], one[5]);
                fail(Arrays.toString(one));
            } catch (IllegalArgumentException error) {
                refused++;
            }
        }
        assertEquals(wrong.length, refused);
    }
}
