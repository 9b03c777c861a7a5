package org.movistream.demo.logic.engines;

/** Why the CPU is used though the GPU was asked for. */
public enum EngineNotice {
    NONE,
    /** There is no accelerator for it. */
    GPU_MISSING,
    /** It does not run this model, or failed in the trial. */
    GPU_REFUSES,
    /** Its answers are others than the CPU's. */
    GPU_DISAGREES,
    /** It computes in float16, and the model counts positions beyond what that holds. */
    GPU_POSITIONS,
    /** It computes in float16, where the model's running means would come to a standstill. */
    GPU_MEANS
}
