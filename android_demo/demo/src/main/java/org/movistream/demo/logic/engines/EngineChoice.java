package org.movistream.demo.logic.engines;

import org.movistream.core.Agreement;
import org.movistream.core.Engine;
import org.movistream.core.EngineException;
import org.movistream.core.Float16;
import org.movistream.core.Manifest;

/** Opens the engine that is asked for: the GPU only where it answers as the CPU does. */
public final class EngineChoice {
    /** An engine takes about three times a file: the file, packed weights, activations. */
    private static final long FILES_PER_ENGINE = 3;

    private final MemoryGauge memory;

    public EngineChoice(MemoryGauge memory) {
        this.memory = memory;
    }

    /**
     * Opens an engine, and no second one stays open.
     *
     * @param horizonFrames that is asked for; 0 for what the file says.
     * @throws EngineException if the CPU does not run the model either.
     * @throws LowMemoryException if there is too little memory for it.
     */
    public ChosenEngine open(Manifest manifest, long fileBytes, EngineSource source,
            int threads, int horizonFrames, boolean gpu)
            throws EngineException, LowMemoryException {
        if (memory.isLow() || memory.availableBytes() < FILES_PER_ENGINE * fileBytes) {
            throw new LowMemoryException(null);
        }
        Engine cpu = null;
        boolean kept = false;
        try {
            cpu = source.openCpu(threads);
            ChosenEngine chosen = gpu ? choose(manifest, source, cpu, horizonFrames)
                    : new ChosenEngine(cpu, horizonFrames, EngineNotice.NONE, Double.NaN);
            kept = chosen.engine() == cpu;
            return chosen;
        } catch (OutOfMemoryError error) {
            throw new LowMemoryException(error);
        } finally {
            if (cpu != null && !kept) {
                cpu.close();
            }
        }
    }

    private static ChosenEngine choose(Manifest manifest, EngineSource source, Engine cpu,
            int horizonFrames) {
        if (!source.hasGpu()) {
            return new ChosenEngine(cpu, horizonFrames, EngineNotice.GPU_MISSING, Double.NaN);
        }
        EngineNotice obstacle = Float16Rules.obstacle(manifest);
        if (obstacle != EngineNotice.NONE) {
            return new ChosenEngine(cpu, horizonFrames, obstacle, Double.NaN);
        }
        Engine gpu = null;
        boolean kept = false;
        try {
            gpu = source.openGpu();
            double cosine = source.lowestCosine(gpu, cpu);
            // Written so that what is not a number disagrees.
            kept = cosine >= Agreement.LEAST_COSINE;
            if (!kept) {
                return new ChosenEngine(
                        cpu, horizonFrames, EngineNotice.GPU_DISAGREES, cosine);
            }
            return new ChosenEngine(gpu, Float16.horizonFrames(manifest, horizonFrames),
                    EngineNotice.NONE, cosine);
        } catch (EngineException | RuntimeException error) {
            return new ChosenEngine(cpu, horizonFrames, EngineNotice.GPU_REFUSES, Double.NaN);
        } finally {
            if (gpu != null && !kept) {
                gpu.close();
            }
        }
    }
}
