package com.google.ai.edge.litert;

/** As LiteRT 2.3.0 declares it. */
public enum Accelerator {
    NONE,
    CPU,
    GPU,
    NPU
}
