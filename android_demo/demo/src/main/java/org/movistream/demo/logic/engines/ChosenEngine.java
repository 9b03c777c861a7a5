package org.movistream.demo.logic.engines;

import org.movistream.core.Engine;

/** An engine that was opened, and what to know of it. */
public final class ChosenEngine {
    private final Engine engine;
    private final int horizonFrames;
    private final EngineNotice notice;
    private final double cosine;

    ChosenEngine(Engine engine, int horizonFrames, EngineNotice notice, double cosine) {
        this.engine = engine;
        this.horizonFrames = horizonFrames;
        this.notice = notice;
        this.cosine = cosine;
    }

    /** Belongs to the caller, who closes it. */
    public Engine engine() {
        return engine;
    }

    /** For streams over it; 0 for what the file says. */
    public int horizonFrames() {
        return horizonFrames;
    }

    public EngineNotice notice() {
        return notice;
    }

    /** Of the GPU's answers to the CPU's, where they were compared; not a number elsewhere. */
    public double cosine() {
        return cosine;
    }
}
