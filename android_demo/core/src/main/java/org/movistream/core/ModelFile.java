package org.movistream.core;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What is inside a .tflite file, read without an engine and without trusting it.
 *
 * <p>Every table that an engine will follow is gone over, and every operator has to fit its
 * operands ({@link OperatorRules}), so that a damaged or hostile file is a message and not a crash
 * inside native code.
 */
final class ModelFile {
    static final String IDENTIFIER = "TFL3";
    private static final int IDENTIFIER_START = 4;
    private static final int LEAST_BYTES = 16;
    static final long LARGEST_TENSOR_BYTES = 1L << 28;
    static final int MOST_GRAPHS = 16;
    static final int MOST_OPERANDS = 1000;
    static final int LONGEST_NAME = 1000;
    /** In the old field of an operator's code, where the code does not fit. */
    static final long PLACEHOLDER_CODE = 127;
    static final Map<Long, ElementType> DTYPES = new HashMap<>();
    /** Of inputs and outputs. */
    static final Set<ElementType> INTERFACE_DTYPES =
            EnumSet.of(ElementType.FLOAT32, ElementType.INT8, ElementType.INT32);
    /** XNNPACK refuses smaller ones while it builds a graph; LiteRT does not survive that. */
    static final float SMALLEST_SCALE = Float.MIN_NORMAL;

    static {
        // By the schema's number: those that operators of stream models take.
        DTYPES.put(0L, ElementType.FLOAT32);
        DTYPES.put(1L, ElementType.FLOAT16);
        DTYPES.put(2L, ElementType.INT32);
        DTYPES.put(4L, ElementType.INT64);
        DTYPES.put(6L, ElementType.BOOL);
        DTYPES.put(9L, ElementType.INT8);
        DTYPES.put(17L, ElementType.INT4);
    }

    /** Signatures by key. */
    final Map<String, Signature> signatures;

    /** Bytes of the constant tensors. */
    final long weightBytes;

    /** Whether engines learn a tensor's size while they run. */
    final boolean isSizedAtRunTime;

    private final Map<String, FlatBuffer.Span> metadata;

    /** Describes a file by its signatures; for tests of the manifest, which need no graph. */
    ModelFile(Map<String, Signature> signatures, Map<String, FlatBuffer.Span> metadata) {
        this.signatures = signatures;
        this.metadata = metadata;
        weightBytes = 0;
        isSizedAtRunTime = false;
    }

    private ModelFile(ByteBuffer data) throws ModelException {
        Map<String, Object> model = FlatBuffer.read(data, Format.TFLITE, "Model");
        List<FlatBuffer.Span> buffers = new ArrayList<>();
        for (Map<String, Object> buffer : tables(model, "buffers")) {
            buffers.add(bufferSpan(data, buffer));
        }
        List<Integer> codes = new ArrayList<>();
        for (Map<String, Object> code : tables(model, "operator_codes")) {
            codes.add(operatorCode(code));
        }
        List<Map<String, Object>> graphTables = tables(model, "subgraphs");
        if (graphTables.isEmpty() || graphTables.size() > MOST_GRAPHS) {
            throw FlatBuffer.malformed("it holds " + graphTables.size() + " graphs");
        }
        List<Graph> graphs = new ArrayList<>();
        long weights = 0;
        boolean isSized = false;
        for (Map<String, Object> table : graphTables) {
            Graph graph = new Graph(table, codes, buffers, data);
            graphs.add(graph);
            weights += graph.constantBytes;
            isSized |= graph.isSizedAtRunTime;
        }
        isSizedAtRunTime = isSized;
        weightBytes = weights;
        signatures = new LinkedHashMap<>();
        Set<Graph> named = new HashSet<>();
        for (Map<String, Object> table : tables(model, "signature_defs")) {
            Signature signature = readSignature(table, graphs, named);
            if (signatures.put(signature.key, signature) != null) {
                throw FlatBuffer.malformed("it has two signatures '" + signature.key + "'");
            }
        }
        if (graphs.size() > 1 && named.size() < graphs.size()) {
            throw FlatBuffer.malformed("it holds a graph that no signature names");
        }
        metadata = new HashMap<>();
        for (Map<String, Object> table : tables(model, "metadata")) {
            int buffer = index(table, "buffer", buffers.size(), "metadata buffer");
            metadata.put(name(table, "name"), buffers.get(buffer));
        }
        for (int buffer : (int[]) model.get("metadata_buffer")) {
            index(buffer, buffers.size(), "metadata buffer");
        }
    }

    /**
     * Reads and checks a whole file.
     *
     * @param data the file's bytes, from 0 to its capacity.
     * @throws ModelException if it is no .tflite file, is damaged or hostile, or has operators that
     *     stream models do not need.
     */
    static ModelFile read(ByteBuffer data) throws ModelException {
        boolean isNamed = data.capacity() >= LEAST_BYTES;
        for (int place = 0; isNamed && place < IDENTIFIER.length(); place++) {
            isNamed = data.get(IDENTIFIER_START + place) == IDENTIFIER.charAt(place);
        }
        if (!isNamed) {
            throw new ModelException("it is not a .tflite file");
        }
        return new ModelFile(data);
    }

    /** Where an entry of metadata lies in the file, or null. */
    FlatBuffer.Span metadata(String name) {
        return metadata.get(name);
    }

    /** Names for all inputs and outputs of a graph, in the file's order. */
    static final class Signature {
        final String key;
        final Map<String, Tensor> inputs;
        final Map<String, Tensor> outputs;
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
        final List<Operator> operators = new ArrayList<>();
        final int[] inputs;
        final int[] outputs;
        final long constantBytes;
        final boolean isSizedAtRunTime;

        Graph(Map<String, Object> table, List<Integer> codes, List<FlatBuffer.Span> buffers,
                ByteBuffer data) throws ModelException {
            long constants = 0;
            for (Map<String, Object> entry : tables(table, "tensors")) {
                Tensor tensor = readTensor(tensors.size(), entry, buffers);
                tensors.add(tensor);
                constants += tensor.isConstant() ? tensor.bytes : 0;
            }
            constantBytes = constants;
            inputs = (int[]) table.get("inputs");
            outputs = (int[]) table.get("outputs");
            boolean isSized = false;
            for (Map<String, Object> entry : tables(table, "operators")) {
                Operator operator = readOperator(entry, codes);
                operators.add(operator);
                isSized |= operator.rules.sizedAtRunTime;
            }
            isSizedAtRunTime = isSized;
            checkOrder();
            OperatorRules.check(tensors, operators, data);
            GraphLimits.check(tensors, inputs, outputs, operators);
        }

        /** Checks that every tensor is given a value once, before it is read. */
        private void checkOrder() throws ModelException {
            checkInterface(inputs);
            checkInterface(outputs);
            Set<Integer> ready = new HashSet<>();
            for (int index : inputs) {
                ready.add(index);
            }
            for (int position = 0; position < operators.size(); position++) {
                Operator operator = operators.get(position);
                String where = "operator " + position + " (" + operator.name + ")";
                checkIndices(operator.inputs, Operator.OPTIONAL_TENSOR);
                checkIndices(operator.outputs, 0);
                for (int index : operator.inputs) {
                    if (index >= 0 && !ready.contains(index)
                            && !tensors.get(index).isConstant()) {
                        throw FlatBuffer.malformed(
                                where + " reads tensor " + index + " before it exists");
                    }
                }
                for (int index : operator.outputs) {
                    if (tensors.get(index).isConstant()) {
                        throw FlatBuffer.malformed(where + " writes to a constant");
                    }
                    if (!ready.add(index)) {
                        throw FlatBuffer.malformed(where + " writes tensor " + index
                                + ", which has a value already");
                    }
                }
            }
            Set<Integer> unpacked = new HashSet<>();
            if (operators.isEmpty() || inputs.length == 0 || outputs.length == 0) {
                throw FlatBuffer.malformed("its graph takes nothing, or computes nothing");
            }
            for (Operator operator : operators) {
                boolean unpacks = operator.name.equals("DEQUANTIZE");
                for (int index : operator.inputs) {
                    unpacks &= index >= 0 && tensors.get(index).isConstant();
                }
                for (int index : operator.outputs) {
                    if (unpacks) {
                        unpacked.add(index);
                    }
                }
            }
            for (int output : outputs) {
                if (unpacked.contains(output)) {
                    throw FlatBuffer.malformed("a graph output is a constant, dequantised");
                }
                if (!ready.contains(output)) {
                    throw FlatBuffer.malformed("a graph output is never computed");
                }
            }
        }

        private void checkInterface(int[] side) throws ModelException {
            checkIndices(side, 0);
            Set<Integer> seen = new HashSet<>();
            for (int index : side) {
                Tensor tensor = tensors.get(index);
                String where = "tensor '" + tensor.name + "' is an input or output";
                if (!seen.add(index)) {
                    throw FlatBuffer.malformed("it names an input or an output twice");
                }
                if (tensor.isConstant()) {
                    throw FlatBuffer.malformed(where + ", and a constant");
                }
                if (!INTERFACE_DTYPES.contains(tensor.dtype)) {
                    throw new ModelException(where + " of " + tensor.dtype);
                }
            }
        }

        private void checkIndices(int[] indices, int lowest) throws ModelException {
            if (indices.length > MOST_OPERANDS) {
                throw FlatBuffer.malformed("a list of " + indices.length
                        + " tensors is longer than any stream model's");
            }
            for (int index : indices) {
                if (index < lowest || index >= tensors.size()) {
                    throw FlatBuffer.malformed(
                            "a tensor index is outside the graph's " + tensors.size());
                }
            }
        }
    }

    private static Operator readOperator(Map<String, Object> table, List<Integer> codes)
            throws ModelException {
        int code = codes.get(index(table, "opcode_index", codes.size(), "operator code"));
        String name = Format.TFLITE.operatorName(code);
        Format.Rules rules = Format.TFLITE.operators.get(name);
        if (rules == null) {
            throw new ModelException(
                    "it uses the operator " + name + ", which stream models do not need");
        }
        Object options = table.get("builtin_options");
        if ((Long) table.get("builtin_options_type") != 0 && options == null) {
            throw new ModelException("the options of an operator (" + name + ") are missing");
        }
        return new Operator(name, rules, (int[]) table.get("inputs"),
                (int[]) table.get("outputs"),
                options == null ? Format.TFLITE.defaults(rules.options) : object(options),
                ((Long) table.get("builtin_options_type")).intValue());
    }

    private static int operatorCode(Map<String, Object> table) throws ModelException {
        long old = (Long) table.get("deprecated_builtin_code");
        long code = (Long) table.get("builtin_code");
        if (code != 0 && old != Math.min(code, PLACEHOLDER_CODE)) {
            throw FlatBuffer.malformed("an operator has two codes, " + old + " and " + code);
        }
        return (int) Math.max(old, code);
    }

    private static Tensor readTensor(
            int index, Map<String, Object> table, List<FlatBuffer.Span> buffers)
            throws ModelException {
        String name = name(table, "name");
        String where = "tensor '" + name + "'";
        int[] shape = (int[]) table.get("shape");
        int[] signature = (int[]) table.get("shape_signature");
        boolean agree = signature.length == 0 || signature.length == shape.length;
        for (int axis = 0; agree && axis < signature.length; axis++) {
            agree = signature[axis] == -1 || signature[axis] == shape[axis];
        }
        if (!agree) {
            throw FlatBuffer.malformed(where + " has two shapes that differ");
        }
        ElementType dtype = DTYPES.get((Long) table.get("type"));
        if (dtype == null) {
            throw FlatBuffer.malformed(where + " has a type that stream models do not have");
        }
        long elements = 1;
        for (int size : shape) {
            // What is beyond is refused below, whatever it is exactly.
            elements = Math.min(elements * size, 2 * LARGEST_TENSOR_BYTES + 1);
        }
        long bytes = dtype.bytes(elements);
        if (bytes > LARGEST_TENSOR_BYTES) {
            throw FlatBuffer.malformed(where + " would take " + bytes + " bytes");
        }
        FlatBuffer.Span stored =
                buffers.get(index(table, "buffer", buffers.size(), "buffer"));
        if (stored.length != 0 && stored.length != bytes) {
            throw FlatBuffer.malformed(
                    where + " needs " + bytes + " bytes and its buffer holds " + stored.length);
        }
        if ((Boolean) table.get("is_variable")) {
            throw new ModelException(
                    where + " is a variable: its state cannot be reset or saved");
        }
        Object quantization = table.get("quantization");
        return new Tensor(index, name, dtype, shape,
                quantization == null ? null : readQuantization(object(quantization), where, shape),
                bytes, stored.length > 0 ? stored.start : -1);
    }

    private static Quantization readQuantization(
            Map<String, Object> table, String where, int[] shape) throws ModelException {
        float[] scales = (float[]) table.get("scale");
        long[] zeroPoints = (long[]) table.get("zero_point");
        if (scales.length == 0) {
            return null;
        }
        int axis = ((Long) table.get("quantized_dimension")).intValue();
        boolean sound = scales.length == 1
                || axis < shape.length && shape[axis] == scales.length;
        sound &= zeroPoints.length == scales.length;
        for (float scale : scales) {
            sound &= scale >= SMALLEST_SCALE && scale <= Float.MAX_VALUE;
        }
        for (long zeroPoint : zeroPoints) {
            sound &= zeroPoint == (int) zeroPoint;
        }
        if (!sound) {
            throw FlatBuffer.malformed(where + " has quantisation that does not fit its shape");
        }
        return new Quantization(scales, zeroPoints, axis);
    }

    private static Signature readSignature(
            Map<String, Object> table, List<Graph> graphs, Set<Graph> named)
            throws ModelException {
        String key = name(table, "signature_key");
        Graph graph = graphs.get(
                index(table, "subgraph_index", graphs.size(), "signature graph"));
        named.add(graph);
        return new Signature(key, named(table, "inputs", key, graph, graph.inputs),
                named(table, "outputs", key, graph, graph.outputs));
    }

    private static Map<String, Tensor> named(
            Map<String, Object> table, String side, String key, Graph graph, int[] all)
            throws ModelException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        Set<Integer> missing = new HashSet<>();
        for (int tensor : all) {
            missing.add(tensor);
        }
        for (Map<String, Object> entry : tables(table, side)) {
            int number = index(entry, "tensor_index", graph.tensors.size(), "signature tensor");
            boolean twice = tensors.put(name(entry, "name"), graph.tensors.get(number)) != null;
            if (twice || !missing.remove(number)) {
                throw FlatBuffer.malformed(
                        "the signature '" + key + "' does not name each tensor once");
            }
        }
        if (!missing.isEmpty()) {
            throw FlatBuffer.malformed(
                    "the signature '" + key + "' does not name each tensor once");
        }
        return tensors;
    }

    /** In a vector, or in files of over 2 GB behind the tables. */
    private static FlatBuffer.Span bufferSpan(ByteBuffer data, Map<String, Object> table)
            throws ModelException {
        long offset = (Long) table.get("offset");
        long size = (Long) table.get("size");
        FlatBuffer.Span inside = (FlatBuffer.Span) table.get("data");
        if (offset == 0 || offset == 1) {
            return inside;
        }
        if (offset < 0 || size < 0 || offset > data.capacity()
                || size > data.capacity() - offset || inside.length != 0) {
            throw FlatBuffer.malformed("a buffer lies outside the file, or in two places");
        }
        return new FlatBuffer.Span((int) offset, (int) size);
    }

    /** A string that may appear in a message. */
    private static String name(Map<String, Object> table, String field) throws ModelException {
        String name = (String) table.get(field);
        if (name == null) {
            throw FlatBuffer.malformed("a name is missing");
        }
        if (name.length() > LONGEST_NAME || Text.hasControlCharacters(name)) {
            throw FlatBuffer.malformed("a name is too long or no text");
        }
        return name;
    }

    private static int index(Map<String, Object> table, String field, int count, String what)
            throws ModelException {
        return index((Long) table.get(field), count, what);
    }

    private static int index(long index, int count, String what) throws ModelException {
        if (index < 0 || index >= count) {
            throw FlatBuffer.malformed(what + " " + index + " does not exist; there are " + count);
        }
        return (int) index;
    }

    @SuppressWarnings("unchecked") // FlatBuffer makes tables of this type only.
    private static Map<String, Object> object(Object table) {
        return (Map<String, Object>) table;
    }

    @SuppressWarnings("unchecked") // FlatBuffer makes lists of tables only.
    private static List<Map<String, Object>> tables(Map<String, Object> table, String field) {
        return (List<Map<String, Object>>) table.get(field);
    }
}
