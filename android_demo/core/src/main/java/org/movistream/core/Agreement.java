package org.movistream.core;

/**
 * Whether another engine, or other arithmetic, answers as the CPU's float32 does. Python's
 * {@code lowest_cosine} looks at the same frames.
 */
public final class Agreement {
    /** Answers whose cosine is lower are not trusted. */
    public static final double LEAST_COSINE = 0.99;

    static final int FRAMES = 6;

    private static final int BRIGHTEST = 255;

    private Agreement() {}

    /**
     * The lowest cosine of two engines' logits over some frames of noise and gradients.
     *
     * @throws ModelException if the network takes what no camera gives.
     * @throws EngineException if an engine fails, such as on states that are handed over.
     */
    public static double lowestCosine(Manifest manifest, Engine one, Engine other)
            throws ModelException, EngineException {
        Manifest.ImageInput input = manifest.input;
        Preprocessor preprocessor = new Preprocessor(input);
        double lowest = 1;
        try (Stream first = new Stream(one, manifest, 0);
                Stream second = new Stream(other, manifest, 0)) {
            for (int index = 0; index < FRAMES; index++) {
                Object image = preprocessor.prepare(
                        frame(index, input.height(), input.width(), input.channels()));
                lowest = Math.min(lowest, cosine(first.step(image), second.step(image)));
            }
        }
        return lowest;
    }

    /**
     * Between two answers, -1 to 1. Where one is nothing but zeros: 1 if both are, else 0.
     *
     * @param one logits, by class.
     * @param other as many.
     */
    public static double cosine(float[] one, float[] other) {
        double product = 0;
        double oneSquare = 0;
        double otherSquare = 0;
        boolean areSame = true;
        for (int index = 0; index < one.length; index++) {
            product += (double) one[index] * other[index];
            oneSquare += (double) one[index] * one[index];
            otherSquare += (double) other[index] * other[index];
            areSame &= one[index] == other[index];
        }
        double lengths = Math.sqrt(oneSquare) * Math.sqrt(otherSquare);
        return lengths != 0 ? product / lengths : areSame ? 1 : 0;
    }

    /**
     * One of the frames that are looked at: a gradient from left to right, over which more and
     * more noise is laid.
     *
     * @return (height, width, channels), 0 to 255 each.
     */
    static int[] frame(int index, int height, int width, int channels) {
        int[] pixels = new int[height * width * channels];
        for (int place = 0; place < pixels.length; place++) {
            int ramp = BRIGHTEST * (place / channels % width) / Math.max(1, width - 1);
            int noise = noise(index * pixels.length + place);
            pixels[place] = (noise * index + ramp * (FRAMES - index)) / FRAMES;
        }
        return pixels;
    }

    /** A number from 0 to 255 that looks random; the same in every language. */
    private static int noise(int place) {
        int mixed = place * 0x9e3779b1;
        mixed = (mixed ^ mixed >>> 15) * 0x85ebca77;
        mixed = (mixed ^ mixed >>> 13) * 0xc2b2ae3d;
        return mixed >>> 24;
    }
}
