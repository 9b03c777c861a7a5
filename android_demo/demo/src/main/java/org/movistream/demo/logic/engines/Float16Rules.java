package org.movistream.demo.logic.engines;

import org.movistream.core.Manifest;

/**
 * What a model must not do where float16 is used. Python's {@code movistream.engines.arithmetic}
 * has the same rules.
 */
final class Float16Rules {
    /** The last whole number that float16 reaches by counting. */
    static final int MOST_FRAMES = 2048;

    private Float16Rules() {}

    /** Why a model cannot be computed in float16; {@link EngineNotice#NONE} if it can. */
    static EngineNotice obstacle(Manifest manifest) {
        if (count(manifest, "position") > 0) {
            return EngineNotice.GPU_POSITIONS;
        }
        // A mean that nobody keeps the remainder of stands still after some hundred frames.
        return count(manifest, "pool") == count(manifest, "remainder") ? EngineNotice.NONE
                : EngineNotice.GPU_MEANS;
    }

    /** A stream's horizon, so that its clock stays within float16; 0 for none. */
    static int horizonFrames(Manifest manifest, int wanted) {
        int asked = wanted > 0 ? wanted : manifest.horizonFrames;
        boolean tooFar = asked == 0 || asked > MOST_FRAMES;
        return tooFar && count(manifest, "clock") > 0 ? MOST_FRAMES : wanted;
    }

    private static int count(Manifest manifest, String role) {
        int count = 0;
        for (Manifest.State state : manifest.states) {
            count += state.role.equals(role) ? 1 : 0;
        }
        return count;
    }
}
