package org.movistream.core;

import java.util.Arrays;

/** value = (stored − zero point) · scale, per tensor or along one axis. */
final class Quantization {
    /** Of the first channel. */
    final float scale;
    /** Of all channels. */
    final float largestScale;
    /** Of the first channel. */
    final long zeroPoint;
    /** 1 if the whole tensor shares its scale. */
    final int channels;
    /** Of the channels. */
    final int axis;
    /** Whether all zero points are 0. */
    final boolean symmetric;

    private final float[] scales;
    private final long[] zeroPoints;

    Quantization(float[] scales, long[] zeroPoints, int axis) {
        this.scales = scales;
        this.zeroPoints = zeroPoints;
        this.axis = axis;
        scale = scales[0];
        zeroPoint = zeroPoints[0];
        channels = scales.length;
        float largest = 0;
        for (float each : scales) {
            largest = Math.max(largest, each);
        }
        largestScale = largest;
        boolean zero = true;
        for (long point : zeroPoints) {
            zero &= point == 0;
        }
        symmetric = zero;
    }

    /** Whether two tensors are quantised alike; null is for one that is not quantised. */
    static boolean same(Quantization first, Quantization second) {
        if (first == null || second == null) {
            return first == second;
        }
        return first.axis == second.axis && Arrays.equals(first.scales, second.scales)
                && Arrays.equals(first.zeroPoints, second.zeroPoints);
    }
}
