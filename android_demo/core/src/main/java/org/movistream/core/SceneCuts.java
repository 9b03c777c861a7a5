package org.movistream.core;

import java.util.Arrays;

/**
 * Finds cuts by the colours of frames, which motion within a scene hardly changes.
 *
 * <p>A cut is where the histograms of two frames that follow each other share less than half of
 * their pixels, and differ far more than those of the frames before did. It looks at a grid of
 * about 32 by 32 pixels of the upright frame, each brought to RGB. Python's
 * {@code SceneCutDetector} does the same. Nothing is allocated per frame.
 */
final class SceneCuts {
    static final int GRID = 32;
    /** Of each of red, green and blue. */
    static final int BINS = 8;
    static final double CUT_DISTANCE = 0.5;
    static final double CUT_RATIO = 2.5;
    static final double ADAPTATION = 0.3;

    private final int[] counts = new int[BINS * BINS * BINS];
    private float[] shares = new float[counts.length];
    private float[] sharesBefore = new float[counts.length];
    private boolean hasBefore;
    private double usual;

    /** Whether a scene begins with this frame; the first one begins none. */
    boolean isCut(YuvFrame frame) {
        float[] spare = sharesBefore;
        sharesBefore = shares;
        shares = spare;
        count(frame);
        if (!hasBefore) {
            hasBefore = true;
            return false;
        }
        double distance = distance();
        boolean isCut = distance > Math.max(CUT_DISTANCE, CUT_RATIO * usual);
        if (!isCut) {
            usual += ADAPTATION * (distance - usual);
        }
        return isCut;
    }

    /** The next frame is the first. */
    void reset() {
        hasBefore = false;
        usual = 0;
    }

    private void count(YuvFrame frame) {
        int height = frame.uprightHeight();
        int width = frame.uprightWidth();
        int rowStep = Math.max(1, height / GRID);
        int columnStep = Math.max(1, width / GRID);
        Arrays.fill(counts, 0);
        int pixels = 0;
        for (int row = 0; row < height; row += rowStep) {
            for (int column = 0; column < width; column += columnStep) {
                int rgb = frame.rgb(row, column);
                int red = (rgb >> 16) * BINS >> 8;
                int green = (rgb >> 8 & 0xff) * BINS >> 8;
                int blue = (rgb & 0xff) * BINS >> 8;
                counts[(red * BINS + green) * BINS + blue]++;
                pixels++;
            }
        }
        for (int bin = 0; bin < counts.length; bin++) {
            shares[bin] = (float) ((double) counts[bin] / pixels);
        }
    }

    /** Share of pixels, in [0, 1], that two histograms do not have in common. */
    private double distance() {
        double common = 0;
        for (int bin = 0; bin < shares.length; bin++) {
            common += Math.min(shares[bin], sharesBefore[bin]);
        }
        return 1 - common;
    }
}
