package org.movistream.core;

import org.jspecify.annotations.Nullable;

/**
 * Which models may be computed in float16, as some GPUs do, and how far they may count there. The
 * rules are Python's ({@code arithmetic.py}).
 *
 * <p>Float16 counts to 2,048 only, so a stream's clock is held there at the latest, and its means
 * forget from then on; and a running mean would stand still long before, so files for it carry
 * what each mean has lost to rounding as a state of its own.
 */
public final class Float16 {
    /** The last whole number that float16 reaches by counting. */
    public static final int MOST_FRAMES = 2048;

    private static final String PRECISION = "float16";

    private Float16() {}

    /** Why a model cannot be computed in float16, in words; null if it can. */
    public static @Nullable String obstacle(Manifest manifest) {
        int means = 0;
        int remainders = 0;
        for (Manifest.State state : manifest.states) {
            if (state.role == Manifest.Role.POSITION) {
                return "its positional encoding counts beyond what float16 holds";
            }
            means += state.role == Manifest.Role.POOL ? 1 : 0;
            remainders += state.role == Manifest.Role.REMAINDER ? 1 : 0;
        }
        if (!manifest.quantization.equals(PRECISION) || means != remainders) {
            return "it was not converted for it; convert the checkpoint with --precision float16";
        }
        return null;
    }

    /**
     * The horizon for a {@link Stream} that is computed in float16, in frames; as it is wanted
     * where there is no clock to hold.
     *
     * @param wanted 0 for what the file says.
     */
    public static int horizonFrames(Manifest manifest, int wanted) {
        if (Stream.findClocks(manifest).isEmpty()) {
            return wanted;
        }
        int frames = wanted > 0 ? wanted : manifest.horizonFrames;
        return frames > 0 ? Math.min(frames, MOST_FRAMES) : MOST_FRAMES;
    }
}
