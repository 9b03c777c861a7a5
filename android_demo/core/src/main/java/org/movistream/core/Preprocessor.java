package org.movistream.core;

import java.nio.ByteBuffer;

/**
 * Brings a camera frame to what a network takes, as its manifest says: upright, the middle cut
 * out, bilinear sampling, RGB in the value range; into one array that is reused.
 *
 * <p>Only pixels that are sampled are brought to RGB, each to whole numbers first, so that the
 * result is that of a frame converted as a whole. Nothing is allocated per frame.
 */
public final class Preprocessor {
    private final int height;
    private final int width;
    private final float[] floats;
    private final byte[] bytes;
    private final float factor;
    private final float offset;
    private int frameWidth;
    private int frameHeight;
    private SamplingAxis rows;
    private SamplingAxis columns;
    private byte[] yRow = new byte[0];
    private byte[] uRow = new byte[0];
    private byte[] vRow = new byte[0];
    /** RGB of the sampled pixels of two lines of the frame: first neighbours, then second. */
    private final int[] firstLine;
    private final int[] secondLine;

    public Preprocessor(Manifest.ImageInput image) {
        height = image.height();
        width = image.width();
        boolean int8 = image.dtype.equals("int8");
        floats = int8 ? null : new float[height * width * 3];
        bytes = int8 ? new byte[height * width * 3] : null;
        factor = int8 ? 1 : (float) ((image.high - image.low) / 255);
        offset = int8 ? 0 : (float) image.low;
        firstLine = new int[6 * Math.max(height, width)];
        secondLine = new int[firstLine.length];
    }

    /**
     * The network's input for a frame.
     *
     * @return float[] or byte[], by the manifest's type, (height, width, 3); valid until the next
     *     call.
     */
    public Object prepare(YuvFrame frame) {
        fitTo(frame);
        int rotation = frame.rotationDegrees;
        boolean turned = rotation % 180 != 0;
        // Lines are rows of the frame as it lies in memory; upright, they may be columns.
        SamplingAxis lines = turned ? columns : rows;
        SamplingAxis along = turned ? rows : columns;
        boolean linesReversed = rotation == 90 || rotation == 180;
        boolean alongReversed = rotation == 180 || rotation == 270;
        for (int line = 0; line < lines.first.length; line++) {
            decode(frame, lines.first[line], linesReversed, along, alongReversed, firstLine);
            decode(frame, lines.second[line], linesReversed, along, alongReversed, secondLine);
            if (turned) {
                mixColumn(line);
            } else {
                mixRow(line);
            }
        }
        return bytes != null ? bytes : floats;
    }

    private void fitTo(YuvFrame frame) {
        int uprightWidth = frame.uprightWidth();
        int uprightHeight = frame.uprightHeight();
        if (rows == null || uprightWidth != frameWidth || uprightHeight != frameHeight) {
            double scale =
                    Math.min((double) uprightHeight / height, (double) uprightWidth / width);
            rows = new SamplingAxis(uprightHeight, height, scale, factor);
            columns = new SamplingAxis(uprightWidth, width, scale, 1);
            frameWidth = uprightWidth;
            frameHeight = uprightHeight;
        }
        if (yRow.length < frame.width) {
            yRow = new byte[frame.width];
        }
        int chromaBytes = ((frame.width + 1) / 2 - 1) * frame.chromaPixelStride + 1;
        if (uRow.length < chromaBytes) {
            uRow = new byte[chromaBytes];
            vRow = new byte[chromaBytes];
        }
    }

    /** Brings the sampled pixels of one line to RGB, 0 to 255 each. */
    private void decode(YuvFrame frame, int line, boolean lineReversed, SamplingAxis along,
            boolean alongReversed, int[] rgb) {
        int row = lineReversed ? frame.height - 1 - line : line;
        int pixelStride = frame.chromaPixelStride;
        int chromaBytes = ((frame.width + 1) / 2 - 1) * pixelStride + 1;
        copyRow(frame.y, row * frame.yRowStride, yRow, frame.width);
        copyRow(frame.u, row / 2 * frame.chromaRowStride, uRow, chromaBytes);
        copyRow(frame.v, row / 2 * frame.chromaRowStride, vRow, chromaBytes);
        int count = along.first.length;
        for (int index = 0; index < 2 * count; index++) {
            int place = index < count ? along.first[index] : along.second[index - count];
            int column = alongReversed ? frame.width - 1 - place : place;
            int y = yRow[column] & 0xff;
            int u = (uRow[(column >> 1) * pixelStride] & 0xff) - 128;
            int v = (vRow[(column >> 1) * pixelStride] & 0xff) - 128;
            // 1.402, 0.344136, 0.714136 and 1.772 in units of 2^-16, rounded to the nearest.
            rgb[3 * index] = clamp(y + ((91881 * v + 32768) >> 16));
            rgb[3 * index + 1] = clamp(y + ((-22554 * u - 46802 * v + 32768) >> 16));
            rgb[3 * index + 2] = clamp(y + ((116130 * u + 32768) >> 16));
        }
    }

    private static void copyRow(ByteBuffer plane, int start, byte[] row, int length) {
        plane.position(start);
        plane.get(row, 0, length);
    }

    private static int clamp(int value) {
        return value < 0 ? 0 : value > 255 ? 255 : value;
    }

    /** The two lines are rows of the upright frame. */
    private void mixRow(int row) {
        float above = rows.firstWeight[row];
        float below = rows.secondWeight[row];
        int right = 3 * width;
        for (int column = 0; column < width; column++) {
            float leftWeight = columns.firstWeight[column];
            float rightWeight = columns.secondWeight[column];
            for (int place = 3 * column; place < 3 * column + 3; place++) {
                float left = firstLine[place] * above + secondLine[place] * below;
                float other =
                        firstLine[right + place] * above + secondLine[right + place] * below;
                put(row * right + place, left * leftWeight + other * rightWeight);
            }
        }
    }

    /** The two lines are columns of the upright frame. */
    private void mixColumn(int column) {
        float leftWeight = columns.firstWeight[column];
        float rightWeight = columns.secondWeight[column];
        int lower = 3 * height;
        for (int row = 0; row < height; row++) {
            float above = rows.firstWeight[row];
            float below = rows.secondWeight[row];
            for (int channel = 0; channel < 3; channel++) {
                int place = 3 * row + channel;
                float left = firstLine[place] * above + firstLine[lower + place] * below;
                float right = secondLine[place] * above + secondLine[lower + place] * below;
                put((row * width + column) * 3 + channel,
                        left * leftWeight + right * rightWeight);
            }
        }
    }

    private void put(int place, float value) {
        if (bytes != null) {
            bytes[place] = (byte) ((int) Math.rint(value) - 128);
        } else {
            floats[place] = value + offset;
        }
    }
}
