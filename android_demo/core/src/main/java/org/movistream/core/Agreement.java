package org.movistream.core;

import java.util.Random;

/** Whether another engine answers as the CPU does. */
public final class Agreement {
    /** Answers whose cosine is lower are not trusted. */
    public static final double LEAST_COSINE = 0.99;

    private static final int FRAMES = 16;

    private Agreement() {}

    /**
     * The lowest cosine of two engines' logits over some frames of noise, from a reset.
     *
     * @throws EngineException if an engine fails, such as on states that are handed over.
     */
    public static double lowestCosine(Manifest manifest, Engine one, Engine other)
            throws ModelException, EngineException {
        Stream first = new Stream(one, manifest, 0);
        Stream second = new Stream(other, manifest, 0);
        Manifest.ImageInput input = manifest.input;
        int numbers = input.height() * input.width() * input.channels();
        Object image = Tensors.filled(input.dtype, numbers, 0);
        Random random = new Random(0);
        double lowest = 1;
        for (int frame = 0; frame < FRAMES; frame++) {
            fill(image, input, random);
            lowest = Math.min(lowest, cosine(first.step(image), second.step(image)));
        }
        return lowest;
    }

    private static void fill(Object image, Manifest.ImageInput input, Random random) {
        if (image instanceof byte[]) {
            random.nextBytes((byte[]) image);
            return;
        }
        float[] values = (float[]) image;
        for (int index = 0; index < values.length; index++) {
            double value = input.low + random.nextFloat() * (input.high - input.low);
            values[index] = (float) input.normalised(value, index % input.channels());
        }
    }

    private static double cosine(float[] one, float[] other) {
        double product = 0;
        double oneSquare = 0;
        double otherSquare = 0;
        for (int index = 0; index < one.length; index++) {
            product += (double) one[index] * other[index];
            oneSquare += (double) one[index] * one[index];
            otherSquare += (double) other[index] * other[index];
        }
        return product / Math.sqrt(oneSquare * otherSquare);
    }
}
