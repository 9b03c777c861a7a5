package org.movistream.desktop;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.movistream.core.Engine;
import org.movistream.core.EngineException;
import org.movistream.core.TensorBuffer;

/** LiteRT's CompiledModel on a desktop's CPU, through the C library of its Python wheel. */
public final class LiteRtEngine implements Engine {
    /** Bytes of a {@code LiteRtRankedTensorType}, rounded up. */
    private static final int TENSOR_TYPE_BYTES = 80;

    private static Pointer environment;

    private final List<String> inputNames = new ArrayList<>();
    private final List<String> outputNames = new ArrayList<>();
    /** Those that nobody has closed. */
    private final Set<HostBuffer> buffers = new HashSet<>();
    private final Pointer model;
    private final Pointer compiledModel;
    private final Pointer signature;
    private final long signatureIndex;
    private final Memory inputHandles;
    private final Memory outputHandles;
    private final Memory tensorType = new Memory(TENSOR_TYPE_BYTES);
    private final Memory size = new Memory(Long.BYTES);
    private boolean isClosed;

    /** Loads the library; before any engine is opened. */
    public static synchronized void loadLibrary(File libLiteRt) throws EngineException {
        if (environment == null) {
            LiteRt.load(libLiteRt.getAbsolutePath());
            PointerByReference found = new PointerByReference();
            check(LiteRt.LiteRtCreateEnvironment(0, null, found), "make an environment");
            environment = found.getValue();
        }
    }

    /** Opens a file that has been checked. */
    public LiteRtEngine(File file, String signatureKey, int threads) throws EngineException {
        PointerByReference found = new PointerByReference();
        check(LiteRt.LiteRtCreateModelFromFile(environment, file.getPath(), found), "read it");
        model = found.getValue();
        signatureIndex = findSignature(signatureKey);
        check(LiteRt.LiteRtGetModelSignature(model, signatureIndex, found), "find its signature");
        signature = found.getValue();
        compiledModel = compile(threads);
        Memory count = new Memory(8);
        check(LiteRt.LiteRtGetNumSignatureInputs(signature, count), "count inputs");
        for (long index = 0; index < count.getLong(0); index++) {
            check(LiteRt.LiteRtGetSignatureInputName(signature, index, found), "name an input");
            inputNames.add(found.getValue().getString(0, "UTF-8"));
        }
        check(LiteRt.LiteRtGetNumSignatureOutputs(signature, count), "count outputs");
        for (long index = 0; index < count.getLong(0); index++) {
            check(LiteRt.LiteRtGetSignatureOutputName(signature, index, found), "name an output");
            outputNames.add(found.getValue().getString(0, "UTF-8"));
        }
        inputHandles = new Memory(8L * inputNames.size());
        outputHandles = new Memory(8L * outputNames.size());
    }

    @Override
    public List<String> inputNames() {
        return Collections.unmodifiableList(inputNames);
    }

    @Override
    public List<String> outputNames() {
        return Collections.unmodifiableList(outputNames);
    }

    @Override
    public TensorBuffer createInput(String name) throws EngineException {
        requireOpen();
        long index = inputNames.indexOf(name);
        PointerByReference tensor = new PointerByReference();
        PointerByReference requirements = new PointerByReference();
        check(LiteRt.LiteRtGetSignatureInputTensorByIndex(signature, index, tensor), name);
        check(LiteRt.LiteRtGetCompiledModelInputBufferRequirements(
                compiledModel, signatureIndex, index, requirements), name);
        return create(tensor.getValue(), requirements.getValue(), name);
    }

    @Override
    public TensorBuffer createOutput(String name) throws EngineException {
        requireOpen();
        long index = outputNames.indexOf(name);
        PointerByReference tensor = new PointerByReference();
        PointerByReference requirements = new PointerByReference();
        check(LiteRt.LiteRtGetSignatureOutputTensorByIndex(signature, index, tensor), name);
        check(LiteRt.LiteRtGetCompiledModelOutputBufferRequirements(
                compiledModel, signatureIndex, index, requirements), name);
        return create(tensor.getValue(), requirements.getValue(), name);
    }

    @Override
    public void run(TensorBuffer[] inputs, TensorBuffer[] outputs) throws EngineException {
        requireOpen();
        for (int place = 0; place < inputs.length; place++) {
            inputHandles.setPointer(8L * place, ((HostBuffer) inputs[place]).handle());
        }
        for (int place = 0; place < outputs.length; place++) {
            outputHandles.setPointer(8L * place, ((HostBuffer) outputs[place]).handle());
        }
        check(LiteRt.LiteRtRunCompiledModel(compiledModel, signatureIndex, inputs.length,
                inputHandles, outputs.length, outputHandles), "run the model");
    }

    @Override
    public String description() {
        return "compiled-model";
    }

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        for (HostBuffer buffer : new ArrayList<>(buffers)) {
            buffer.close();
        }
        LiteRt.LiteRtDestroyCompiledModel(compiledModel);
        LiteRt.LiteRtDestroyModel(model);
    }

    private long findSignature(String wanted) throws EngineException {
        Memory count = new Memory(8);
        check(LiteRt.LiteRtGetNumModelSignatures(model, count), "count signatures");
        PointerByReference found = new PointerByReference();
        for (long index = 0; index < count.getLong(0); index++) {
            check(LiteRt.LiteRtGetModelSignature(model, index, found), "read a signature");
            check(LiteRt.LiteRtGetSignatureKey(found.getValue(), found), "read a signature");
            if (found.getValue().getString(0, "UTF-8").equals(wanted)) {
                return index;
            }
        }
        throw new EngineException("LiteRT finds no signature '" + wanted + "'");
    }

    private Pointer compile(int threads) throws EngineException {
        PointerByReference found = new PointerByReference();
        check(LiteRt.LiteRtCreateOptions(found), "make options");
        Pointer options = found.getValue();
        check(LiteRt.LiteRtSetOptionsHardwareAccelerators(options, LiteRt.CPU), "choose the CPU");
        // CPU options are text in TOML, which the library frees itself.
        byte[] toml = ("num_threads = " + threads + "\n").getBytes(StandardCharsets.UTF_8);
        NativeLibrary libc = NativeLibrary.getInstance("c");
        Pointer payload = new Pointer(Native.malloc(toml.length + 1));
        payload.write(0, toml, 0, toml.length);
        payload.setByte(toml.length, (byte) 0);
        check(LiteRt.LiteRtCreateOpaqueOptions(
                "xnnpack", payload, libc.getFunction("free"), found), "make CPU options");
        check(LiteRt.LiteRtAddOpaqueOptions(options, found.getValue()), "add CPU options");
        int status = LiteRt.LiteRtCreateCompiledModel(environment, model, options, found);
        LiteRt.LiteRtDestroyOptions(options);
        check(status, "compile it");
        return found.getValue();
    }

    private TensorBuffer create(Pointer tensor, Pointer requirements, String name)
            throws EngineException {
        check(LiteRt.LiteRtGetRankedTensorType(tensor, tensorType), name);
        PointerByReference found = new PointerByReference();
        check(LiteRt.LiteRtCreateManagedTensorBufferFromRequirements(
                environment, tensorType, requirements, found), name);
        Pointer handle = found.getValue();
        boolean isWhole = false;
        try {
            check(LiteRt.LiteRtGetTensorBufferHostMemory(handle, found), name);
            check(LiteRt.LiteRtGetTensorBufferPackedSize(handle, size), name);
            isWhole = true;
        } finally {
            if (!isWhole) {
                LiteRt.LiteRtDestroyTensorBuffer(handle);
            }
        }
        HostBuffer buffer = new HostBuffer(handle, found.getValue(), size.getLong(0));
        buffers.add(buffer);
        return buffer;
    }

    private void requireOpen() {
        if (isClosed) {
            throw new IllegalStateException("the engine is closed; open another one");
        }
    }

    private static void check(int status, String what) throws EngineException {
        if (status != 0) {
            throw new EngineException("LiteRT fails (status " + status + "): " + what);
        }
    }

    /** The CPU's buffers lie in host memory and stay where they are. */
    private final class HostBuffer implements TensorBuffer {
        private final Pointer handle;
        private final Pointer address;
        private final long bytes;
        private boolean isFreed;

        HostBuffer(Pointer handle, Pointer address, long bytes) {
            this.handle = handle;
            this.address = address;
            this.bytes = bytes;
        }

        @Override
        public void write(float[] values) {
            address.write(0, values, 0, checked(values.length, 4));
        }

        @Override
        public void write(byte[] values) {
            address.write(0, values, 0, checked(values.length, 1));
        }

        @Override
        public void write(int[] values) {
            address.write(0, values, 0, checked(values.length, 4));
        }

        @Override
        public void read(float[] into) {
            address.read(0, into, 0, checked(into.length, 4));
        }

        @Override
        public void read(byte[] into) {
            address.read(0, into, 0, checked(into.length, 1));
        }

        @Override
        public void read(int[] into) {
            address.read(0, into, 0, checked(into.length, 4));
        }

        @Override
        public void close() {
            if (!isFreed) {
                isFreed = true;
                buffers.remove(this);
                LiteRt.LiteRtDestroyTensorBuffer(handle);
            }
        }

        /** For LiteRT, which does not survive one that is freed. */
        Pointer handle() {
            if (isFreed) {
                throw new IllegalStateException("the tensor's memory is freed");
            }
            return handle;
        }

        private int checked(int length, int elementBytes) {
            handle();
            if ((long) length * elementBytes != bytes) {
                throw new IllegalArgumentException(
                        length + " elements do not fit a tensor of " + bytes + " bytes");
            }
            return length;
        }
    }
}
