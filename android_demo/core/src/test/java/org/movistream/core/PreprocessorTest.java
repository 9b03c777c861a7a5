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
    public void meanAndStd() throws Exception {
        Manifest manifest = Manifests.ofImage("'shape':[1,4,6,3],'dtype':'float32',"
                + "'mean':[0.5,0.4,0.2],'std':[0.25,0.2,0.5]");
        float[] values = (float[]) new Preprocessor(manifest.input)
                .prepare(grey(6, 4, 0, counted()));
        // 0 and 51 of 255 are 0 and 0.2.
        assertArrayEquals(new float[] {-2, -2, -0.4f}, Arrays.copyOf(values, 3), 1e-6f);
        double white = 230 / 255.0;
        assertEquals((white - 0.5) / 0.25, values[69], 1e-5);
        assertEquals((white - 0.4) / 0.2, values[70], 1e-5);
        assertEquals((white - 0.2) / 0.5, values[71], 1e-5);
    }

    @Test
    public void int8WithAScale() throws Exception {
        Manifest manifest = Manifests.ofImage("'shape':[1,4,6,3],'dtype':'int8',"
                + "'value_range':[0,255],'mean':[100,0,0],'std':[1,2,1],'scale':2,"
                + "'zero_point':-20");
        byte[] stored = (byte[]) new Preprocessor(manifest.input)
                .prepare(grey(6, 4, 0, counted()));
        // 0: -100 / 2 - 20; 230: (230 - 100) / 2 - 20, 230 / 2 / 2 - 20 to even, 230 / 2 - 20.
        assertArrayEquals(new byte[] {-70, -20, -20}, Arrays.copyOf(stored, 3));
        assertArrayEquals(new byte[] {45, 38, 95}, Arrays.copyOfRange(stored, 69, 72));
        // 230 in steps of 1 from 100 is too much.
        Manifest fine = Manifests.ofImage("'shape':[1,4,6,3],'dtype':'int8',"
                + "'value_range':[0,255],'scale':1,'zero_point':100");
        stored = (byte[]) new Preprocessor(fine.input).prepare(grey(6, 4, 0, counted()));
        assertEquals(127, stored[69]);
        assertEquals(100, stored[0]);
    }

    @Test
    public void oneChannelIsGrey() throws Exception {
        Manifest manifest = Manifests.ofImage("'shape':[1,4,6,1],'color_order':null,"
                + "'dtype':'float32','value_range':[0,255],'mean':[100],'std':[10]");
        float[] values = (float[]) new Preprocessor(manifest.input)
                .prepare(grey(6, 4, 0, counted()));
        assertEquals(24, values.length);
        for (int pixel = 0; pixel < 24; pixel++) {
            assertEquals(pixel - 10, values[pixel], 1e-5);
        }
        Manifest bytes = Manifests.ofImage("'shape':[1,4,6,1],'color_order':null,"
                + "'dtype':'int8','value_range':[-128,127]");
        byte[] stored = (byte[]) new Preprocessor(bytes.input)
                .prepare(grey(4, 6, 90, counted()));
        assertEquals(24, stored.length);
        assertEquals(200 - 128, stored[0]);
    }

    @Test
    public void noCameraGivesOtherChannels() throws Exception {
        Manifest manifest = Manifests.ofImage(
                "'shape':[1,4,6,4],'color_order':null,'dtype':'float32'");
        try {
            new Preprocessor(manifest.input);
            fail("four channels of a camera");
        } catch (ModelException error) {
            assertEquals("the network takes frames of 4 channels; a camera gives red, green and"
                    + " blue", error.getMessage());
        }
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
