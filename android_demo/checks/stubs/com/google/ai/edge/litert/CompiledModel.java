package com.google.ai.edge.litert;

import java.util.Map;

/** As LiteRT 2.3.0 declares it, as far as the app uses it. */
public final class CompiledModel extends JniHandle {
    private CompiledModel() {}

    /** As LiteRT 2.3.0 declares it. */
    public static final class CpuOptions {
        public CpuOptions(Integer numThreads, Integer xnnPackFlags, String weightCachePath) {}
    }

    /** As LiteRT 2.3.0 declares it. */
    public static final class Options {
        public Options(Accelerator... accelerators) {}

        public void setCpuOptions(CpuOptions options) {}
    }

    public static CompiledModel create(String filePath, Options options)
            throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }

    public TensorBuffer createInputBuffer(String inputName, String signature)
            throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }

    public TensorBuffer createOutputBuffer(String outputName, String signature)
            throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }

    public void run(Map<String, TensorBuffer> inputs, Map<String, TensorBuffer> outputs,
            String signature) throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }
}
