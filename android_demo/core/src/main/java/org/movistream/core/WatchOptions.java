package org.movistream.core;

/**
 * How a stream is watched; a value that never changes. Each {@code with…} gives another one.
 *
 * <p>The defaults are those of Python: no smoothing, and a stream that is never reset.
 */
public final class WatchOptions {
    public static final double DEFAULT_TEMPERATURE = 1;
    public static final double DEFAULT_SMOOTHING_S = 0;
    public static final double DEFAULT_ENTER = 0.5;
    public static final double DEFAULT_LEAVE = 0.3;
    public static final double DEFAULT_SHORTEST_S = 0.5;
    public static final int DEFAULT_TOP = 5;

    private static final WatchOptions DEFAULTS = new WatchOptions(0, DEFAULT_TEMPERATURE,
            DEFAULT_SMOOTHING_S, DEFAULT_TOP, DEFAULT_ENTER, DEFAULT_LEAVE, DEFAULT_SHORTEST_S,
            false, 0, 0);
    private static final WatchOptions CAMERA = DEFAULTS.withSmoothing(0.3).withResets(false, 2, 0);

    final int horizonFrames;
    final double temperature;
    final double smoothingS;
    final int topClasses;
    final double enter;
    final double leave;
    final double shortestS;
    final boolean resetOnCut;
    final double resetAfterGapS;
    final double resetEveryS;

    private WatchOptions(int horizonFrames, double temperature, double smoothingS, int topClasses,
            double enter, double leave, double shortestS, boolean resetOnCut,
            double resetAfterGapS, double resetEveryS) {
        if (horizonFrames < 0 || topClasses < 1) {
            throw new IllegalArgumentException("a horizon is 1 frame or more, or 0 for what the"
                    + " file says, and 1 class or more is named, not " + horizonFrames + " and "
                    + topClasses);
        }
        this.horizonFrames = horizonFrames;
        this.temperature = temperature;
        this.smoothingS = smoothingS;
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

    /** For a camera: smoothed over 0.3 s, and reset after a gap of 2 s, which ends events. */
    public static WatchOptions ofCamera() {
        return CAMERA;
    }

    /** @param frames see {@link Stream}; 0 for what the file says. */
    public WatchOptions withHorizon(int frames) {
        return new WatchOptions(frames, temperature, smoothingS, topClasses, enter, leave,
                shortestS, resetOnCut, resetAfterGapS, resetEveryS);
    }

    /** @param divisor see {@link Scorer}. */
    public WatchOptions withTemperature(double divisor) {
        return new WatchOptions(horizonFrames, divisor, smoothingS, topClasses, enter, leave,
                shortestS, resetOnCut, resetAfterGapS, resetEveryS);
    }

    /** @param seconds see {@link Scorer}. */
    public WatchOptions withSmoothing(double seconds) {
        return new WatchOptions(horizonFrames, temperature, seconds, topClasses, enter, leave,
                shortestS, resetOnCut, resetAfterGapS, resetEveryS);
    }

    /** @param classes how many best classes to find; fewer if there are fewer. */
    public WatchOptions withTop(int classes) {
        return new WatchOptions(horizonFrames, temperature, smoothingS, classes, enter, leave,
                shortestS, resetOnCut, resetAfterGapS, resetEveryS);
    }

    /** See {@link EventDetector}. */
    public WatchOptions withEvents(double enterScore, double leaveScore, double shortest) {
        return new WatchOptions(horizonFrames, temperature, smoothingS, topClasses, enterScore,
                leaveScore, shortest, resetOnCut, resetAfterGapS, resetEveryS);
    }

    /** See {@link Resets}. */
    public WatchOptions withResets(boolean onCut, double afterGapS, double everyS) {
        return new WatchOptions(horizonFrames, temperature, smoothingS, topClasses, enter, leave,
                shortestS, onCut, afterGapS, everyS);
    }
}
