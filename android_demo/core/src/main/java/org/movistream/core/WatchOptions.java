package org.movistream.core;

import org.jspecify.annotations.Nullable;

/**
 * How a stream is watched; a value that never changes. Each {@code with…} gives another one.
 *
 * <p>The defaults are those of Python: smoothing and events are as the model says, or else none
 * and the defaults below; the stream is never reset.
 */
public final class WatchOptions {
    public static final double DEFAULT_TEMPERATURE = 1;
    public static final double DEFAULT_SMOOTHING_S = 0;
    public static final double DEFAULT_ENTER = 0.5;
    public static final double DEFAULT_LEAVE = 0.3;
    public static final double DEFAULT_SHORTEST_S = 0.5;
    public static final int DEFAULT_TOP = 5;
    private static final double CAMERA_SMOOTHING_S = 0.3;

    private static final WatchOptions DEFAULTS = new WatchOptions(0, DEFAULT_TEMPERATURE,
            null, DEFAULT_SMOOTHING_S, DEFAULT_TOP, null, null, null, false, 0, 0);
    private static final WatchOptions CAMERA = new WatchOptions(0, DEFAULT_TEMPERATURE,
            null, CAMERA_SMOOTHING_S, DEFAULT_TOP, null, null, null, false, 2, 0);

    final int horizonFrames;
    final double temperature;
    /** Null for what the model says. */
    final @Nullable Double smoothingS;
    /** Where the model does not say it either. */
    private final double otherwiseSmoothingS;
    final int topClasses;
    /** Null for what the model says, or else the default; so are the next two. */
    final @Nullable Double enter;
    final @Nullable Double leave;
    final @Nullable Double shortestS;
    final boolean resetOnCut;
    final double resetAfterGapS;
    final double resetEveryS;

    private WatchOptions(int horizonFrames, double temperature, @Nullable Double smoothingS,
            double otherwiseSmoothingS, int topClasses, @Nullable Double enter,
            @Nullable Double leave, @Nullable Double shortestS, boolean resetOnCut,
            double resetAfterGapS, double resetEveryS) {
        if (horizonFrames < 0 || topClasses < 1) {
            throw new IllegalArgumentException("a horizon is 1 frame or more, or 0 for what the"
                    + " file says, and 1 class or more is named, not " + horizonFrames + " and "
                    + topClasses);
        }
        this.horizonFrames = horizonFrames;
        this.temperature = temperature;
        this.smoothingS = smoothingS;
        this.otherwiseSmoothingS = otherwiseSmoothingS;
        this.topClasses = topClasses;
        this.enter = enter;
        this.leave = leave;
        this.shortestS = shortestS;
        this.resetOnCut = resetOnCut;
        this.resetAfterGapS = resetAfterGapS;
        this.resetEveryS = resetEveryS;
    }

    /** As Python watches where nothing else is said. */
    public static WatchOptions defaults() {
        return DEFAULTS;
    }

    /**
     * For a camera: smoothed over 0.3 s where the model does not say it, and reset after a gap of
     * 2 s, which ends events.
     */
    public static WatchOptions ofCamera() {
        return CAMERA;
    }

    /** @param frames see {@link Stream}; 0 for what the file says. */
    public WatchOptions withHorizon(int frames) {
        return new WatchOptions(frames, temperature, smoothingS, otherwiseSmoothingS, topClasses,
                enter, leave, shortestS, resetOnCut, resetAfterGapS, resetEveryS);
    }

    /** @param divisor see {@link Scorer}. */
    public WatchOptions withTemperature(double divisor) {
        return new WatchOptions(horizonFrames, divisor, smoothingS, otherwiseSmoothingS,
                topClasses, enter, leave, shortestS, resetOnCut, resetAfterGapS, resetEveryS);
    }

    /** @param seconds see {@link Scorer}; null for what the model says. */
    public WatchOptions withSmoothing(@Nullable Double seconds) {
        return new WatchOptions(horizonFrames, temperature, seconds, otherwiseSmoothingS,
                topClasses, enter, leave, shortestS, resetOnCut, resetAfterGapS, resetEveryS);
    }

    /** @param classes how many best classes to find; fewer if there are fewer. */
    public WatchOptions withTop(int classes) {
        return new WatchOptions(horizonFrames, temperature, smoothingS, otherwiseSmoothingS,
                classes, enter, leave, shortestS, resetOnCut, resetAfterGapS, resetEveryS);
    }

    /** See {@link EventRules}; null for what the model says. */
    public WatchOptions withEvents(@Nullable Double enterScore, @Nullable Double leaveScore,
            @Nullable Double shortest) {
        return new WatchOptions(horizonFrames, temperature, smoothingS, otherwiseSmoothingS,
                topClasses, enterScore, leaveScore, shortest, resetOnCut, resetAfterGapS,
                resetEveryS);
    }

    /** See {@link Resets}. */
    public WatchOptions withResets(boolean onCut, double afterGapS, double everyS) {
        return new WatchOptions(horizonFrames, temperature, smoothingS, otherwiseSmoothingS,
                topClasses, enter, leave, shortestS, onCut, afterGapS, everyS);
    }

    /** In seconds; 0 for none. */
    double smoothingOf(Manifest manifest) {
        if (smoothingS != null) {
            return smoothingS;
        }
        return manifest.events == null ? otherwiseSmoothingS : manifest.events.smoothingS;
    }
}
