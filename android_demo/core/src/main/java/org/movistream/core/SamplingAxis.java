package org.movistream.core;

/** How target pixels lie along one axis of a frame, half-pixel centres, the middle cut out. */
final class SamplingAxis {
    /** Both neighbours of each target pixel. */
    final int[] first;
    final int[] second;
    /** Their weights. */
    final float[] firstWeight;
    final float[] secondWeight;

    /**
     * @param size of the frame, in pixels.
     * @param scale frame pixels to one target pixel.
     * @param factor that both weights are multiplied by.
     */
    SamplingAxis(int size, int target, double scale, float factor) {
        first = new int[target];
        second = new int[target];
        firstWeight = new float[target];
        secondWeight = new float[target];
        double offset = (size - target * scale) / 2;
        for (int index = 0; index < target; index++) {
            double center = offset + (index + 0.5) * scale;
            double place = Math.min(Math.max(center - 0.5, 0), size - 1);
            first[index] = (int) Math.floor(place);
            second[index] = Math.min(first[index] + 1, size - 1);
            float fraction = (float) (place - first[index]);
            firstWeight[index] = (1 - fraction) * factor;
            secondWeight[index] = fraction * factor;
        }
    }
}
