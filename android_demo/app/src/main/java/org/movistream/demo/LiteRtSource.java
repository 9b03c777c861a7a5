package org.movistream.demo;

import com.google.ai.edge.litert.Accelerator;
import com.google.ai.edge.litert.Environment;
import com.google.ai.edge.litert.LiteRtException;
import org.movistream.core.Agreement;
import org.movistream.core.Engine;
import org.movistream.core.EngineException;
import org.movistream.core.ModelDescription;
import org.movistream.core.ModelException;
import org.movistream.demo.logic.engines.EngineSource;
import org.movistream.litert.LiteRtEngine;

/** LiteRT's engines for one file. */
final class LiteRtSource implements EngineSource {
    private final ModelDescription model;

    LiteRtSource(ModelDescription model) {
        this.model = model;
    }

    @Override
    public boolean hasGpu() {
        try (Environment environment = Environment.create()) {
            return environment.getAvailableAccelerators().contains(Accelerator.GPU);
        } catch (LiteRtException | LinkageError error) {
            return false;
        }
    }

    @Override
    public Engine openCpu(int threads) throws EngineException {
        return LiteRtEngine.onCpu(model, threads);
    }

    /** LiteRT is not asked for float32 here, so the narrower of the two is to be reckoned with. */
    @Override
    public Engine openGpu() throws EngineException {
        return LiteRtEngine.onGpu(model);
    }

    @Override
    public double lowestCosine(Engine one, Engine other) throws EngineException {
        try {
            return Agreement.lowestCosine(model.manifest, one, other);
        } catch (ModelException error) {
            throw new EngineException(error.getMessage(), error);
        }
    }
}
