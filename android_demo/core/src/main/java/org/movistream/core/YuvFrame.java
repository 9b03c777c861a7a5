package org.movistream.core;

import java.nio.ByteBuffer;

/**
 * A camera frame in the layout YUV_420_888: a plane of brightness and two of colour at half the
 * size, full range, BT.601 as JPEG has it.
 *
 * <p>One object is set anew for every frame. Sizes may be odd; a colour plane then rounds up.
 */
public final class YuvFrame {
    int width;
    int height;
    int rotationDegrees;
    ByteBuffer y;
    ByteBuffer u;
    ByteBuffer v;
    int yRowStride;
    int chromaRowStride;
    int chromaPixelStride;

    /**
     * Takes a frame; its planes are read from their beginning, and their positions move.
     *
     * @param width of the frame as it lies in memory, in pixels; height likewise.
     * @param rotationDegrees clockwise, 0, 90, 180 or 270: what brings it upright.
     * @param yRowStride bytes from one row to the next.
     * @param chromaPixelStride bytes from one value of a colour plane to the next, 1 or 2.
     * @throws IllegalArgumentException if that is no frame, or a plane is too short for it.
     */
    public void set(int width, int height, int rotationDegrees, ByteBuffer y, int yRowStride,
            ByteBuffer u, ByteBuffer v, int chromaRowStride, int chromaPixelStride) {
        if (width < 1 || height < 1 || rotationDegrees % 90 != 0 || rotationDegrees < 0
                || rotationDegrees > 270) {
            throw new IllegalArgumentException("no frame of " + width + "x" + height
                    + " pixels is turned by " + rotationDegrees + " degrees");
        }
        int chromaWidth = (width + 1) / 2;
        int chromaHeight = (height + 1) / 2;
        int chromaRow = (chromaWidth - 1) * chromaPixelStride + 1;
        requirePlane(y, yRowStride, width, height);
        requirePlane(u, chromaRowStride, chromaRow, chromaHeight);
        requirePlane(v, chromaRowStride, chromaRow, chromaHeight);
        this.width = width;
        this.height = height;
        this.rotationDegrees = rotationDegrees;
        this.y = y;
        this.u = u;
        this.v = v;
        this.yRowStride = yRowStride;
        this.chromaRowStride = chromaRowStride;
        this.chromaPixelStride = chromaPixelStride;
    }

    /** In pixels, when upright. */
    public int uprightWidth() {
        return rotationDegrees % 180 == 0 ? width : height;
    }

    /** In pixels, when upright. */
    public int uprightHeight() {
        return rotationDegrees % 180 == 0 ? height : width;
    }

    /**
     * A pixel of the upright frame, its red, green and blue in bits 16, 8 and 0 of a whole number,
     * as the whole frame would be converted.
     */
    int rgb(int uprightRow, int uprightColumn) {
        int row;
        int column;
        switch (rotationDegrees) {
            case 90:
                row = height - 1 - uprightColumn;
                column = uprightRow;
                break;
            case 180:
                row = height - 1 - uprightRow;
                column = width - 1 - uprightColumn;
                break;
            case 270:
                row = uprightColumn;
                column = width - 1 - uprightRow;
                break;
            default:
                row = uprightRow;
                column = uprightColumn;
        }
        int chroma = (row >> 1) * chromaRowStride + (column >> 1) * chromaPixelStride;
        int bright = y.get(row * yRowStride + column) & 0xff;
        int blueness = (u.get(chroma) & 0xff) - 128;
        int redness = (v.get(chroma) & 0xff) - 128;
        return red(bright, redness) << 16 | green(bright, blueness, redness) << 8
                | blue(bright, blueness);
    }

    // 1.402, 0.344136, 0.714136 and 1.772 in units of 2^-16, rounded to the nearest.

    static int red(int bright, int redness) {
        return clamp(bright + ((91881 * redness + 32768) >> 16));
    }

    static int green(int bright, int blueness, int redness) {
        return clamp(bright + ((-22554 * blueness - 46802 * redness + 32768) >> 16));
    }

    static int blue(int bright, int blueness) {
        return clamp(bright + ((116130 * blueness + 32768) >> 16));
    }

    private static int clamp(int value) {
        return value < 0 ? 0 : value > 255 ? 255 : value;
    }

    private static void requirePlane(ByteBuffer plane, int rowStride, int rowBytes, int rows) {
        long needed = (long) (rows - 1) * rowStride + rowBytes;
        if (rowBytes < 1 || (rows > 1 && rowStride < rowBytes) || plane.limit() < needed) {
            throw new IllegalArgumentException("a plane of " + plane.limit() + " bytes does not"
                    + " hold " + rows + " rows of " + rowBytes + " bytes, " + rowStride
                    + " apart");
        }
    }
}
