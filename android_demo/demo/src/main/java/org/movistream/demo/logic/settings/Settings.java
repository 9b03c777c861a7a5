package org.movistream.demo.logic.settings;

import java.util.Objects;
import org.movistream.demo.logic.camera.Facing;

/** What a person chooses; a value that never changes. */
public final class Settings {
    public static final int MOST_THREADS = 4;
    public static final int MOST_HORIZON_FRAMES = 1 << 16;
    public static final double MOST_SMOOTHING_S = 10;
    public static final double MOST_SHORTEST_S = 60;

    private final String model;
    private final int threads;
    private final int horizonFrames;
    private final boolean gpu;
    private final Facing facing;
    private final Double smoothingS;
    private final Double enter;
    private final Double leave;
    private final Double shortestS;

    private Settings(String model, int threads, int horizonFrames, boolean gpu, Facing facing,
            Double smoothingS, Double enter, Double leave, Double shortestS) {
        this.model = model;
        this.threads = threads;
        this.horizonFrames = horizonFrames;
        this.gpu = gpu;
        this.facing = facing;
        this.smoothingS = smoothingS;
        this.enter = enter;
        this.leave = leave;
        this.shortestS = shortestS;
        if (threads < 1 || threads > MOST_THREADS || horizonFrames < 0
                || horizonFrames > MOST_HORIZON_FRAMES) {
            throw new IllegalArgumentException("1 to " + MOST_THREADS + " threads and a horizon"
                    + " of 0 to " + MOST_HORIZON_FRAMES + " frames, not " + threads + " and "
                    + horizonFrames);
        }
        boolean enters = enter == null || enter > 0 && enter <= 1;
        boolean leaves = leave == null || leave >= 0 && leave <= (enter == null ? 1 : enter);
        if (!isUpTo(MOST_SMOOTHING_S, smoothingS) || !enters || !leaves
                || !isUpTo(MOST_SHORTEST_S, shortestS)) {
            throw new IllegalArgumentException("smoothing of 0 to " + MOST_SMOOTHING_S + " s,"
                    + " events from a score in (0, 1] to one from 0 to that, of 0 to "
                    + MOST_SHORTEST_S + " s, not " + smoothingS + ", " + enter + ", " + leave
                    + ", " + shortestS);
        }
    }

    private static boolean isUpTo(double mostS, Double seconds) {
        return seconds == null || seconds >= 0 && seconds <= mostS;
    }

    /**
     * Before anything is chosen: all that a model may say is left to it.
     *
     * @param processors of the device; small layers gain nothing from more than two threads.
     */
    public static Settings initial(int processors) {
        return new Settings("", Math.max(1, Math.min(2, processors)), 0, false, Facing.BACK,
                null, null, null, null);
    }

    /** The id of a model; one that there is not means the first of all. */
    public String model() {
        return model;
    }

    public int threads() {
        return threads;
    }

    /** After so many frames, running means forget; 0 for what the file says. */
    public int horizonFrames() {
        return horizonFrames;
    }

    /** Whether the GPU is to be used where it answers as the CPU does. */
    public boolean gpu() {
        return gpu;
    }

    public Facing facing() {
        return facing;
    }

    /** In seconds; 0 for none, null for what the model says. */
    public Double smoothingS() {
        return smoothingS;
    }

    /** A score at which an event begins; null for what the model says. */
    public Double enter() {
        return enter;
    }

    /** A score below which it ends, at most that at which it begins; null likewise. */
    public Double leave() {
        return leave;
    }

    /** Shorter events are not reported, in seconds; null likewise. */
    public Double shortestS() {
        return shortestS;
    }

    public Settings withModel(String id) {
        return new Settings(id, threads, horizonFrames, gpu, facing, smoothingS, enter, leave,
                shortestS);
    }

    public Settings withFacing(Facing side) {
        return new Settings(model, threads, horizonFrames, gpu, side, smoothingS, enter, leave,
                shortestS);
    }

    public Settings withEngine(int threadCount, int horizon, boolean onGpu) {
        return new Settings(model, threadCount, horizon, onGpu, facing, smoothingS, enter, leave,
                shortestS);
    }

    public Settings withSmoothing(Double seconds) {
        return new Settings(model, threads, horizonFrames, gpu, facing, seconds, enter, leave,
                shortestS);
    }

    public Settings withEvents(Double enterScore, Double leaveScore, Double shortest) {
        return new Settings(model, threads, horizonFrames, gpu, facing, smoothingS, enterScore,
                leaveScore, shortest);
    }

    /** Whether a model that was loaded for others serves these too. */
    public boolean watchesAs(Settings other) {
        return model.equals(other.model) && threads == other.threads
                && horizonFrames == other.horizonFrames && gpu == other.gpu
                && Objects.equals(smoothingS, other.smoothingS)
                && Objects.equals(enter, other.enter) && Objects.equals(leave, other.leave)
                && Objects.equals(shortestS, other.shortestS);
    }
}
