package org.movistream.litert;

import com.google.ai.edge.litert.Accelerator;
import com.google.ai.edge.litert.CompiledModel;
import com.google.ai.edge.litert.LiteRtException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.movistream.core.Engine;
import org.movistream.core.EngineException;
import org.movistream.core.Manifest;
import org.movistream.core.ModelDescription;
import org.movistream.core.TensorBuffer;

/**
 * LiteRT's CompiledModel, its tensors bound by name.
 *
 * <p>Its own call for a run makes a few short lists per frame; nothing here adds to them.
 */
public final class LiteRtEngine implements Engine {
    private final CompiledModel model;
    private final String signature;
    private final String description;
    private final List<String> inputNames = new ArrayList<>();
    private final List<String> outputNames = new ArrayList<>();
    /** Those that nobody has closed. */
    private final Set<Buffer> buffers = new HashSet<>();
    private boolean isClosed;
    private final Map<String, com.google.ai.edge.litert.TensorBuffer> inputs =
            new LinkedHashMap<>();
    private final Map<String, com.google.ai.edge.litert.TensorBuffer> outputs =
            new LinkedHashMap<>();

    private LiteRtEngine(ModelDescription described, int threads, boolean gpu)
            throws EngineException {
        Manifest manifest = described.manifest;
        signature = manifest.signature;
        description = gpu ? "compiled-model (GPU)" : "compiled-model";
        inputNames.add(manifest.input.tensor);
        outputNames.add(manifest.logits.tensor);
        for (Manifest.State state : manifest.states) {
            inputNames.addAll(state.inputs);
            outputNames.add(state.output);
        }
        // The GPU alone: with the CPU beside it, LiteRT falls back without a word, and the CPU
        // would be compared with itself.
        CompiledModel.Options options =
                new CompiledModel.Options(gpu ? Accelerator.GPU : Accelerator.CPU);
        if (!gpu) {
            options.setCpuOptions(new CompiledModel.CpuOptions(threads, null, null));
        }
        try {
            model = CompiledModel.create(described.file.getPath(), options);
        } catch (LiteRtException error) {
            throw refused(error);
        } catch (LinkageError error) {
            throw new EngineException("LiteRT has no library for this device's processor", error);
        }
    }

    /**
     * Opens a file that has been checked, for the CPU.
     *
     * @throws EngineException if LiteRT refuses it, or has no library for this processor.
     */
    public static LiteRtEngine onCpu(ModelDescription described, int threads)
            throws EngineException {
        return new LiteRtEngine(described, threads, false);
    }

    /**
     * Opens a file that has been checked, for the GPU and nothing else; needs the artifact
     * {@code com.google.ai.edge.litert:litert-gpu}.
     *
     * @throws EngineException if there is no GPU for it, or LiteRT refuses the file.
     */
    public static LiteRtEngine onGpu(ModelDescription described) throws EngineException {
        return new LiteRtEngine(described, 1, true);
    }

    @Override
    public List<String> inputNames() {
        return inputNames;
    }

    @Override
    public List<String> outputNames() {
        return outputNames;
    }

    @Override
    public TensorBuffer createInput(String name) throws EngineException {
        try {
            return keep(new Buffer(model.createInputBuffer(name, signature)));
        } catch (LiteRtException error) {
            throw refused(error);
        }
    }

    @Override
    public TensorBuffer createOutput(String name) throws EngineException {
        try {
            return keep(new Buffer(model.createOutputBuffer(name, signature)));
        } catch (LiteRtException error) {
            throw refused(error);
        }
    }

    @Override
    public void run(TensorBuffer[] given, TensorBuffer[] results) throws EngineException {
        for (int place = 0; place < given.length; place++) {
            inputs.put(inputNames.get(place), ((Buffer) given[place]).tensor);
        }
        for (int place = 0; place < results.length; place++) {
            outputs.put(outputNames.get(place), ((Buffer) results[place]).tensor);
        }
        try {
            model.run(inputs, outputs, signature);
        } catch (LiteRtException error) {
            throw refused(error);
        }
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        for (Buffer buffer : new ArrayList<>(buffers)) {
            buffer.close();
        }
        model.close();
    }

    private Buffer keep(Buffer buffer) {
        buffers.add(buffer);
        return buffer;
    }

    private static EngineException refused(LiteRtException error) {
        return new EngineException("LiteRT fails: " + error.getMessage(), error);
    }

    private final class Buffer implements TensorBuffer {
        final com.google.ai.edge.litert.TensorBuffer tensor;

        Buffer(com.google.ai.edge.litert.TensorBuffer tensor) {
            this.tensor = tensor;
        }

        @Override
        public void close() {
            if (buffers.remove(this)) {
                tensor.close();
            }
        }

        @Override
        public void write(float[] values) throws EngineException {
            try {
                tensor.writeFloat(values);
            } catch (LiteRtException error) {
                throw refused(error);
            }
        }

        @Override
        public void write(byte[] values) throws EngineException {
            try {
                tensor.writeInt8(values);
            } catch (LiteRtException error) {
                throw refused(error);
            }
        }

        @Override
        public void write(int[] values) throws EngineException {
            try {
                tensor.writeInt(values);
            } catch (LiteRtException error) {
                throw refused(error);
            }
        }

        @Override
        public void read(float[] into) throws EngineException {
            try {
                System.arraycopy(tensor.readFloat(), 0, into, 0, into.length);
            } catch (LiteRtException error) {
                throw refused(error);
            }
        }

        @Override
        public void read(byte[] into) throws EngineException {
            try {
                System.arraycopy(tensor.readInt8(), 0, into, 0, into.length);
            } catch (LiteRtException error) {
                throw refused(error);
            }
        }

        @Override
        public void read(int[] into) throws EngineException {
            try {
                System.arraycopy(tensor.readInt(), 0, into, 0, into.length);
            } catch (LiteRtException error) {
                throw refused(error);
            }
        }
    }
}
