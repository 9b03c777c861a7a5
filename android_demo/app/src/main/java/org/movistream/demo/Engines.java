package org.movistream.demo;

import android.app.ActivityManager;
import android.content.Context;
import org.movistream.core.Agreement;
import org.movistream.core.Engine;
import org.movistream.core.EngineException;
import org.movistream.core.ModelDescription;
import org.movistream.core.ModelException;
import org.movistream.litert.LiteRtEngine;

/** Opens the engine that settings ask for; the GPU only where it answers as the CPU does. */
final class Engines {
    /** GPUs compute in float16, whose running means stand still behind so many frames. */
    private static final int MOST_FLOAT16_FRAMES = 2048;

    /** A choice that was not followed, in words; null if there is none. */
    String notice;

    private boolean onGpu;

    private final Context context;

    Engines(Context context) {
        this.context = context;
    }

    /** @throws EngineException if there is no engine or too little memory for the file. */
    Engine open(ModelDescription model, Settings settings)
            throws EngineException, ModelException {
        notice = null;
        onGpu = false;
        ActivityManager.MemoryInfo memory = new ActivityManager.MemoryInfo();
        context.getSystemService(ActivityManager.class).getMemoryInfo(memory);
        // An engine takes about three times a file: the file, packed weights, activations.
        if (memory.lowMemory || memory.availMem < 3 * model.fileBytes) {
            throw new EngineException(context.getString(R.string.low_memory));
        }
        try {
            if (settings.gpu) {
                Engine gpu = gpuThatAgrees(model, settings.threads);
                if (gpu != null) {
                    onGpu = true;
                    return gpu;
                }
            }
            return new LiteRtEngine(model, settings.threads, false);
        } catch (OutOfMemoryError error) {
            throw new EngineException(context.getString(R.string.low_memory), error);
        }
    }

    /** The horizon for a stream over the engine that was opened last; 0 for what the file says. */
    int horizonFrames(ModelDescription model, Settings settings) {
        int wanted = settings.horizonFrames > 0 ? settings.horizonFrames
                : model.manifest.horizonFrames;
        boolean tooFar = wanted == 0 || wanted > MOST_FLOAT16_FRAMES;
        return onGpu && tooFar ? MOST_FLOAT16_FRAMES : settings.horizonFrames;
    }

    private Engine gpuThatAgrees(ModelDescription model, int threads)
            throws EngineException, ModelException {
        Engine gpu = null;
        Engine cpu = null;
        boolean agrees = false;
        try {
            cpu = new LiteRtEngine(model, threads, false);
            gpu = new LiteRtEngine(model, threads, true);
            double cosine = Agreement.lowestCosine(model.manifest, gpu, cpu);
            agrees = cosine >= Agreement.LEAST_COSINE;
            if (!agrees) {
                notice = context.getString(R.string.gpu_disagrees, cosine);
            }
        } catch (EngineException error) {
            notice = context.getString(R.string.gpu_refuses);
        } finally {
            if (cpu != null) {
                cpu.close();
            }
            if (gpu != null && !agrees) {
                gpu.close();
            }
        }
        return agrees ? gpu : null;
    }
}
