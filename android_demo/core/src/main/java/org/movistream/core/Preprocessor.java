package org.movistream.core;

import java.nio.ByteBuffer;

/**
 * Brings a camera frame to what a network takes, as its manifest says: upright, the middle cut
 * out, bilinear sampling, RGB or grey in the value range, normalised; into one array that is
 * reused.
 *
 * <p>Only pixels that are sampled are brought to RGB, each to whole numbers first, so that the
 * result is that of a frame converted as a whole. Nothing is allocated per frame.
 */
public final class Preprocessor {
    /** Of red, green and blue in grey, by BT.601. */
    static final double[] LUMA = {0.299, 0.587, 0.114};

    /** Of bytes without a scale, which are pixel values less 128. */
    static final int BYTE_ZERO_POINT = -128;

    private final int height;
    private final int width;
    private final boolean grey;
    private final float[] floats;
    private final byte[] bytes;
    /** Of pixel values, for all channels alike. */
    private final float factor;
    /** By which each of red, green and blue is then multiplied. */
    private final float[] weights = new float[3];
    /** By which a grey network's one channel is multiplied. */
    private final float ownWeight;
    /** That is added to each of the network's channels. */
    private final float[] offsets;
    private final int zeroPoint;
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
    /** Red, green and blue of one pixel of the network's image, times the factor. */
    private final float[] mixed = new float[3];

    /** @throws ModelException if the network takes what no camera gives. */
    public Preprocessor(Manifest.ImageInput image) throws ModelException {
        int channels = image.channels();
        if (channels != 1 && channels != 3) {
            throw new ModelException("the network takes frames of " + channels
                    + " channels; a camera gives red, green and blue");
        }
        height = image.height();
        width = image.width();
        grey = channels == 1;
        boolean int8 = image.dtype == ElementType.INT8;
        floats = int8 ? null : new float[height * width * channels];
        bytes = int8 ? new byte[height * width * channels] : null;
        // Without a scale, bytes are pixel values less 128.
        boolean shifted = int8 && image.scale == 0;
        double scale = shifted || !int8 ? 1 : image.scale;
        double low = shifted ? 0 : image.low;
        zeroPoint = shifted ? BYTE_ZERO_POINT : image.zeroPoint;
        factor = shifted ? 1 : (float) ((image.high - image.low) / 255 / scale);
        offsets = new float[channels];
        for (int channel = 0; channel < 3; channel++) {
            int own = grey ? 0 : channel;
            weights[channel] = (float) ((grey ? LUMA[channel] : 1) / image.std(own));
            offsets[own] = (float) (image.normalised(low, own) / scale);
        }
        ownWeight = (float) (1 / image.std(0));
        firstLine = new int[6 * Math.max(height, width)];
        secondLine = new int[firstLine.length];
    }

    /**
     * The network's input for a frame.
     *
     * @return float[] or byte[], by the manifest's type, (height, width, channels); valid until
     *     the next call.
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

    /**
     * The network's input for a frame of its own size and channels, which needs no sampling.
     *
     * @param pixels (height, width, channels), 0 to 255 each.
     * @return see {@link #prepare(YuvFrame)}.
     */
    Object prepare(int[] pixels) {
        int channels = offsets.length;
        for (int place = 0; place < pixels.length; place++) {
            int channel = place % channels;
            float weight = grey ? ownWeight : weights[channel];
            put(place, pixels[place] * factor * weight + offsets[channel]);
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
            rgb[3 * index] = YuvFrame.red(y, v);
            rgb[3 * index + 1] = YuvFrame.green(y, u, v);
            rgb[3 * index + 2] = YuvFrame.blue(y, u);
        }
    }

    private static void copyRow(ByteBuffer plane, int start, byte[] row, int length) {
        plane.position(start);
        plane.get(row, 0, length);
    }

    /** The two lines are rows of the upright frame. */
    private void mixRow(int row) {
        float above = rows.firstWeight[row];
        float below = rows.secondWeight[row];
        int right = 3 * width;
        for (int column = 0; column < width; column++) {
            float leftWeight = columns.firstWeight[column];
            float rightWeight = columns.secondWeight[column];
            for (int channel = 0; channel < 3; channel++) {
                int place = 3 * column + channel;
                float left = firstLine[place] * above + secondLine[place] * below;
                float other =
                        firstLine[right + place] * above + secondLine[right + place] * below;
                mixed[channel] = left * leftWeight + other * rightWeight;
            }
            put(row * width + column);
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
                mixed[channel] = left * leftWeight + right * rightWeight;
            }
            put(row * width + column);
        }
    }

    /** Writes a pixel whose red, green and blue are mixed. */
    private void put(int pixel) {
        float red = mixed[0] * weights[0];
        float green = mixed[1] * weights[1];
        float blue = mixed[2] * weights[2];
        if (grey) {
            put(pixel, red + green + blue + offsets[0]);
        } else {
            put(3 * pixel, red + offsets[0]);
            put(3 * pixel + 1, green + offsets[1]);
            put(3 * pixel + 2, blue + offsets[2]);
        }
    }

    private void put(int place, float value) {
        if (bytes != null) {
            double stored = Math.rint(value) + zeroPoint;
            bytes[place] = (byte) Math.max(-128, Math.min(127, stored));
        } else {
            floats[place] = value;
        }
    }
}
