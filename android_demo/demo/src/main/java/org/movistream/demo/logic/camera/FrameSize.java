package org.movistream.demo.logic.camera;

import java.util.List;

/** Width and height in pixels; a value that never changes. */
public final class FrameSize {
    /** What networks are fed from: nearly every camera has it. */
    public static final FrameSize USUAL = new FrameSize(640, 480);

    private final int width;
    private final int height;

    /** @throws IllegalArgumentException if a side has no pixels. */
    public FrameSize(int width, int height) {
        if (width < 1 || height < 1) {
            throw new IllegalArgumentException("a frame has 1 pixel or more each way, not " + width
                    + " by " + height);
        }
        this.width = width;
        this.height = height;
    }

    public int width() {
        return width;
    }

    public int height() {
        return height;
    }

    /**
     * The usual size if a camera has it, else the smallest that is as large each way, else the
     * largest; the usual one if nothing is known.
     */
    public static FrameSize choose(List<FrameSize> offered) {
        FrameSize enough = null;
        FrameSize largest = null;
        for (FrameSize size : offered) {
            boolean covers = size.width >= USUAL.width && size.height >= USUAL.height;
            if (covers && (enough == null || size.pixels() < enough.pixels())) {
                enough = size;
            }
            if (largest == null || size.pixels() > largest.pixels()) {
                largest = size;
            }
        }
        return enough != null ? enough : largest != null ? largest : USUAL;
    }

    private long pixels() {
        return (long) width * height;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FrameSize && ((FrameSize) other).width == width
                && ((FrameSize) other).height == height;
    }

    @Override
    public int hashCode() {
        return 31 * width + height;
    }

    @Override
    public String toString() {
        return width + "x" + height;
    }
}
