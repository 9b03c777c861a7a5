package org.movistream.core;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What is inside a .tflite file, read without an engine and without trusting it.
 *
 * <p>Every table that an engine will follow is gone over, so that a damaged file is a message and
 * not a crash inside native code.
 */
public final class ModelFile {
    private static final int OPTIONAL_TENSOR = -1;
    private static final long LARGEST_TENSOR_BYTES = 1L << 28;
    private static final long LARGEST_GRAPH_BYTES = 1L << 31;
    private static final int MOST_GRAPHS = 16;
    private static final int LONGEST_NAME = 1000;
    private static final int LARGEST_RANK = 8;
    private static final int RESHAPE_OPTIONS = 17;
    private static final int SQUEEZE_OPTIONS = 30;
    /** By the schema's number of the type; null where stream models have no such tensors. */
    private static final String[] DTYPES = {
        "float32", "float16", "int32", "uint8", "int64", null, "bool", "int16", null, "int8"
    };
    private static final int[] DTYPE_BYTES = {4, 2, 4, 1, 8, 0, 1, 2, 0, 1};

    /** Signatures by key. */
    public final Map<String, Signature> signatures;

    /** Bytes of the constant tensors. */
    public final long weightBytes;

    private final Map<String, FlatBuffer.Span> metadata;

    /** Describes a file by its signatures; for tests of the manifest, which need no graph. */
    ModelFile(Map<String, Signature> signatures, Map<String, FlatBuffer.Span> metadata) {
        this.signatures = signatures;
        this.metadata = metadata;
        weightBytes = 0;
    }

    private ModelFile(FlatBuffer file) throws ModelException {
        FlatBuffer.Table model = file.root();
        List<FlatBuffer.Span> buffers = new ArrayList<>();
        for (FlatBuffer.Table buffer : model.tables(4)) {
            buffers.add(bufferSpan(file, buffer));
        }
        List<Integer> codes = new ArrayList<>();
        for (FlatBuffer.Table code : model.tables(1)) {
            codes.add(Math.max(code.int8(0), code.int32(3, 0)));
        }
        List<FlatBuffer.Table> graphTables = model.tables(2);
        if (graphTables.isEmpty() || graphTables.size() > MOST_GRAPHS) {
            throw FlatBuffer.malformed("it holds " + graphTables.size() + " graphs");
        }
        List<Graph> graphs = new ArrayList<>();
        long weights = 0;
        for (FlatBuffer.Table table : graphTables) {
            Graph graph = new Graph(table, codes, buffers);
            graphs.add(graph);
            weights += graph.constantBytes;
        }
        weightBytes = weights;
        signatures = new LinkedHashMap<>();
        for (FlatBuffer.Table table : model.tables(7)) {
            Signature signature = readSignature(table, graphs);
            if (signatures.put(signature.key, signature) != null) {
                throw FlatBuffer.malformed("it has two signatures '" + signature.key + "'");
            }
        }
        metadata = new HashMap<>();
        for (FlatBuffer.Table table : model.tables(6)) {
            int buffer = index(table.int32(1, 0), buffers.size(), "metadata buffer");
            metadata.put(name(table, 0), buffers.get(buffer));
        }
    }

    /**
     * Reads and checks a whole file.
     *
     * @param data the file's bytes, from 0 to its capacity.
     * @throws ModelException if it is no .tflite file, is damaged, or has operators that stream
     *     models do not need.
     */
    public static ModelFile read(ByteBuffer data) throws ModelException {
        if (data.capacity() < 16 || data.get(4) != 'T' || data.get(5) != 'F' || data.get(6) != 'L'
                || data.get(7) != '3') {
            throw new ModelException("it is not a .tflite file");
        }
        return new ModelFile(new FlatBuffer(data));
    }

    /** Where an entry of metadata lies in the file, or null. */
    FlatBuffer.Span metadata(String name) {
        return metadata.get(name);
    }

    /** One tensor of a graph. */
    public static final class Tensor {
        /** In its graph; two names of one tensor have the same. */
        public final int index;
        public final String dtype;
        public final int[] shape;
        /** Scales and zero points as text that is equal where they are; empty for none. */
        public final String quantization;
        private final boolean constant;
        private final long bytes;

        /** See the fields. */
        Tensor(int index, String dtype, int[] shape, String quantization, boolean constant,
                long bytes) {
            this.index = index;
            this.dtype = dtype;
            this.shape = shape;
            this.quantization = quantization;
            this.constant = constant;
            this.bytes = bytes;
        }

        private long elements() {
            long elements = 1;
            for (int size : shape) {
                elements *= size;
            }
            return elements;
        }
    }

    /** Names for all inputs and outputs of a graph, in the file's order. */
    public static final class Signature {
        public final String key;
        public final Map<String, Tensor> inputs;
        public final Map<String, Tensor> outputs;
        private final Set<Integer> inputIndices = new HashSet<>();

        Signature(String key, Map<String, Tensor> inputs, Map<String, Tensor> outputs) {
            this.key = key;
            this.inputs = inputs;
            this.outputs = outputs;
            for (Tensor tensor : inputs.values()) {
                inputIndices.add(tensor.index);
            }
        }

        /** Whether an output is an input, passed through. */
        boolean passesThrough(Tensor output) {
            return inputIndices.contains(output.index);
        }
    }

    private static final class Graph {
        final List<Tensor> tensors = new ArrayList<>();
        final int[] inputs;
        final int[] outputs;
        final long constantBytes;

        Graph(FlatBuffer.Table table, List<Integer> codes, List<FlatBuffer.Span> buffers)
                throws ModelException {
            long bytes = 0;
            long constants = 0;
            Set<Integer> ready = new HashSet<>();
            for (FlatBuffer.Table entry : table.tables(0)) {
                Tensor tensor = readTensor(tensors.size(), entry, buffers);
                tensors.add(tensor);
                bytes += tensor.bytes;
                if (tensor.constant) {
                    constants += tensor.bytes;
                    ready.add(tensor.index);
                }
            }
            if (bytes > LARGEST_GRAPH_BYTES) {
                throw FlatBuffer.malformed("its tensors are larger than any stream model's");
            }
            constantBytes = constants;
            inputs = indices(table, 1, 0);
            outputs = indices(table, 2, 0);
            for (int input : inputs) {
                ready.add(input);
            }
            ready.add(OPTIONAL_TENSOR);
            int number = 0;
            for (FlatBuffer.Table entry : table.tables(3)) {
                readOperator(entry, number++, codes, ready);
            }
            for (int output : outputs) {
                if (!ready.contains(output)) {
                    throw FlatBuffer.malformed("a graph output is never computed");
                }
            }
        }

        private void readOperator(
                FlatBuffer.Table entry, int number, List<Integer> codes, Set<Integer> ready)
                throws ModelException {
            int code = codes.get(index(entry.int32(0, 0), codes.size(), "operator code"));
            String name = Operators.robustName(code);
            if (name == null) {
                throw new ModelException("it uses the operator of code " + code + ", which files"
                        + " converted with the state layout 'frames' do not need; convert the"
                        + " checkpoint so");
            }
            int[] reads = indices(entry, 1, OPTIONAL_TENSOR);
            int[] writes = indices(entry, 2, 0);
            FlatBuffer.Table options = entry.table(4);
            int kind = entry.int8(3);
            if (options != null && (kind == RESHAPE_OPTIONS || kind == SQUEEZE_OPTIONS)) {
                options.ints(0);
            }
            entry.bytes(5);
            entry.bytes(7);
            indices(entry, 8, 0);
            entry.table(12);
            for (int tensor : reads) {
                if (!ready.contains(tensor)) {
                    throw FlatBuffer.malformed("operator " + number + " (" + name
                            + ") reads tensor " + tensor + " before it exists");
                }
            }
            for (int tensor : writes) {
                if (tensors.get(tensor).constant) {
                    throw FlatBuffer.malformed(
                            "operator " + number + " (" + name + ") writes to a constant");
                }
                ready.add(tensor);
            }
            checkUnchecked(code, number, reads, writes);
        }

        /** What engines do not check themselves in operators that keep or restore a shape. */
        private void checkUnchecked(int code, int number, int[] reads, int[] writes)
                throws ModelException {
            if (code != Operators.RESHAPE && code != Operators.QUANTIZE) {
                return;
            }
            boolean sound = reads.length > 0 && reads[0] >= 0 && writes.length == 1;
            if (sound) {
                Tensor from = tensors.get(reads[0]);
                Tensor to = tensors.get(writes[0]);
                sound = from.elements() == to.elements()
                        && (code == Operators.RESHAPE ? from.dtype.equals(to.dtype)
                                && from.quantization.equals(to.quantization)
                                : !to.quantization.isEmpty());
            }
            if (!sound) {
                throw FlatBuffer.malformed("operator " + number + " does not fit its tensors");
            }
        }

        private int[] indices(FlatBuffer.Table table, int field, int lowest)
                throws ModelException {
            int[] found = table.ints(field);
            for (int tensor : found) {
                if (tensor < lowest || tensor >= tensors.size()) {
                    throw FlatBuffer.malformed(
                            "a tensor index is outside the graph's " + tensors.size());
                }
            }
            return found;
        }
    }

    private static Tensor readTensor(
            int index, FlatBuffer.Table table, List<FlatBuffer.Span> buffers)
            throws ModelException {
        String name = "tensor '" + name(table, 3) + "'";
        int[] shape = table.ints(0);
        long elements = 1;
        for (int size : shape) {
            if (size < 0) {
                throw FlatBuffer.malformed(name + " has an impossible shape");
            }
            elements = Math.min(elements * size, LARGEST_TENSOR_BYTES + 1);
        }
        if (shape.length > LARGEST_RANK) {
            throw FlatBuffer.malformed(name + " has an impossible shape");
        }
        int signatureRank = table.ints(7).length;
        if (signatureRank != 0 && signatureRank != shape.length) {
            throw FlatBuffer.malformed(name + " has two shapes of different rank");
        }
        int kind = table.int8(1);
        if (kind < 0 || kind >= DTYPES.length || DTYPES[kind] == null) {
            throw FlatBuffer.malformed(name + " has a type that stream models do not have");
        }
        long bytes = elements * DTYPE_BYTES[kind];
        if (bytes > LARGEST_TENSOR_BYTES) {
            throw FlatBuffer.malformed(name + " would take " + bytes + " bytes");
        }
        int stored = buffers.get(index(table.int32(2, 0), buffers.size(), "buffer")).length;
        if (stored != 0 && stored != bytes) {
            throw FlatBuffer.malformed(
                    name + " needs " + bytes + " bytes and its buffer holds " + stored);
        }
        if (table.has(6)) {
            throw FlatBuffer.malformed(name + " is sparse, which stream models never are");
        }
        if (table.int8(5) != 0) {
            throw new ModelException(
                    name + " is a variable: its state cannot be reset or saved");
        }
        String quantization = readQuantization(table.table(4), name, shape);
        return new Tensor(index, DTYPES[kind], shape, quantization, stored > 0, bytes);
    }

    private static String readQuantization(FlatBuffer.Table table, String name, int[] shape)
            throws ModelException {
        if (table == null) {
            return "";
        }
        table.floats(0);
        table.floats(1);
        float[] scales = table.floats(2);
        long[] zeroPoints = table.longs(3);
        if (scales.length == 0) {
            return "";
        }
        int axis = table.int32(6, 0);
        boolean perChannel = scales.length > 1;
        boolean sound = !perChannel
                || (axis >= 0 && axis < shape.length && shape[axis] == scales.length);
        sound &= zeroPoints.length <= 1 || zeroPoints.length == scales.length;
        for (float scale : scales) {
            sound &= scale >= 0 && scale <= Float.MAX_VALUE;
        }
        for (long zeroPoint : zeroPoints) {
            sound &= zeroPoint == (int) zeroPoint;
        }
        if (!sound) {
            throw FlatBuffer.malformed(name + " has quantisation that does not fit its shape");
        }
        return Arrays.toString(scales) + Arrays.toString(zeroPoints) + axis;
    }

    private static Signature readSignature(FlatBuffer.Table table, List<Graph> graphs)
            throws ModelException {
        String key = name(table, 2);
        Graph graph = graphs.get(index(table.int32(4, 0), graphs.size(), "signature graph"));
        return new Signature(key, named(table, 0, key, graph, graph.inputs),
                named(table, 1, key, graph, graph.outputs));
    }

    private static Map<String, Tensor> named(
            FlatBuffer.Table table, int field, String key, Graph graph, int[] all)
            throws ModelException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        Set<Integer> missing = new HashSet<>();
        for (int tensor : all) {
            missing.add(tensor);
        }
        for (FlatBuffer.Table entry : table.tables(field)) {
            int number = index(entry.int32(1, 0), graph.tensors.size(), "signature tensor");
            Tensor tensor = graph.tensors.get(number);
            boolean twice = tensors.put(name(entry, 0), tensor) != null;
            if (twice || !missing.remove(number)) {
                throw FlatBuffer.malformed(
                        "the signature '" + key + "' does not name each tensor once");
            }
            if (tensor.elements() == 0) {
                throw FlatBuffer.malformed(
                        "the signature '" + key + "' names a tensor without elements");
            }
        }
        if (!missing.isEmpty()) {
            throw FlatBuffer.malformed(
                    "the signature '" + key + "' does not name each tensor once");
        }
        return tensors;
    }

    private static FlatBuffer.Span bufferSpan(FlatBuffer file, FlatBuffer.Table table)
            throws ModelException {
        long offset = table.int64(1);
        long size = table.int64(2);
        if (offset == 0 || offset == 1) {
            return table.bytes(0);
        }
        if (offset < 0 || size < 0 || offset > file.size() || size > file.size() - offset) {
            throw FlatBuffer.malformed("a buffer lies outside the file");
        }
        return new FlatBuffer.Span((int) offset, (int) size);
    }

    /** A string that may appear in a message. */
    private static String name(FlatBuffer.Table table, int field) throws ModelException {
        String name = table.text(field);
        if (name.length() > LONGEST_NAME || Text.hasControlCharacters(name)) {
            throw FlatBuffer.malformed("a name is too long or no text");
        }
        return name;
    }

    private static int index(int index, int count, String what) throws ModelException {
        if (index < 0 || index >= count) {
            throw FlatBuffer.malformed(what + " " + index + " does not exist; there are " + count);
        }
        return index;
    }
}
