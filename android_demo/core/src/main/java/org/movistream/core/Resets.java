package org.movistream.core;

import org.jspecify.annotations.Nullable;

/**
 * Decides, frame by frame of one stream, whether it is to forget everything before the frame: at a
 * cut to another scene, after a gap, every so often. Python's {@code ResetPolicy} does the same.
 *
 * <p>Nothing is allocated per frame.
 */
public final class Resets {
    private final SceneCuts cuts;
    private final double gapS;
    private final double everyS;
    private boolean hasBegun;
    private double lastS;
    private double resetS;

    /**
     * Starts before the first frame.
     *
     * @param sceneCut reset when the picture changes as it does between scenes.
     * @param gapS reset when no frame came for longer than this, in seconds; 0 for never.
     * @param everyS reset when so many seconds have passed since the last reset; 0 for never.
     * @throws IllegalArgumentException if one is out of its range.
     */
    public Resets(boolean sceneCut, double gapS, double everyS) {
        requireSeconds("gap", gapS);
        requireSeconds("interval", everyS);
        cuts = sceneCut ? new SceneCuts() : null;
        this.gapS = gapS;
        this.everyS = everyS;
    }

    /**
     * Why to reset before this frame; null to go on. Ask once per frame, in order.
     *
     * @param timeS of the frame, in seconds since the stream's start.
     */
    public @Nullable ResetReason reason(YuvFrame frame, double timeS) {
        double passedS = timeS - lastS;
        lastS = timeS;
        boolean isCut = cuts != null && cuts.isCut(frame);
        ResetReason found = null;
        if (!hasBegun) {
            hasBegun = true;
            resetS = timeS;
        } else if (gapS > 0 && passedS > gapS) {
            found = ResetReason.GAP;
        } else if (isCut) {
            found = ResetReason.SCENE_CUT;
        } else if (everyS > 0 && timeS - resetS >= everyS) {
            found = ResetReason.INTERVAL;
        }
        if (found != null) {
            resetS = timeS;
        }
        return found;
    }

    /** The next frame is the first of a stream. */
    public void begin() {
        hasBegun = false;
        if (cuts != null) {
            cuts.reset();
        }
    }

    private static void requireSeconds(String name, double seconds) {
        if (!(seconds >= 0 && seconds <= Double.MAX_VALUE)) {
            throw new IllegalArgumentException("the " + name + " that resets a stream lasts more"
                    + " than 0 seconds, or is 0 for never, not " + seconds);
        }
    }
}
