package org.movistream.demo.logic.engines;

import org.movistream.core.Float16;
import org.movistream.core.Manifest;

/**
 * What a model must not do on a GPU that computes in float16. {@link Float16} also asks for a file
 * that was converted for float16; a GPU takes any file's numbers, and its answers are compared.
 */
final class Float16Rules {
    private Float16Rules() {}

    /** Why a model cannot be computed in float16; {@link EngineNotice#NONE} if it can. */
    static EngineNotice obstacle(Manifest manifest) {
        if (count(manifest, Manifest.Role.POSITION) > 0) {
            return EngineNotice.GPU_POSITIONS;
        }
        // A mean that nobody keeps the remainder of stands still after some hundred frames.
        return count(manifest, Manifest.Role.POOL) == count(manifest, Manifest.Role.REMAINDER) ? EngineNotice.NONE
                : EngineNotice.GPU_MEANS;
    }

    private static int count(Manifest manifest, Manifest.Role role) {
        int count = 0;
        for (Manifest.State state : manifest.states) {
            count += state.role == role ? 1 : 0;
        }
        return count;
    }
}
