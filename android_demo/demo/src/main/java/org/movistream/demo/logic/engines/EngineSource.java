package org.movistream.demo.logic.engines;

import org.movistream.core.Engine;
import org.movistream.core.EngineException;

/** Opens engines for one model file; the only place that knows which runtime it is. */
public interface EngineSource {
    /** Whether the runtime says that it has a GPU here. */
    boolean hasGpu();

    Engine openCpu(int threads) throws EngineException;

    /**
     * Opens the GPU alone: with the CPU to fall back on, a runtime would take that without a word,
     * and nothing could be compared. It is taken to compute in float16.
     */
    Engine openGpu() throws EngineException;

    /** The lowest cosine of two engines' logits over the same frames; 1 if they are equal. */
    double lowestCosine(Engine one, Engine other) throws EngineException;
}
