package org.movistream.demo.logic.engines;

/** In which numbers a GPU computes. */
public enum GpuPrecision {
    FLOAT32,
    /** Counts to 2,048 only. */
    FLOAT16
}
