package org.movistream.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Checks that every operator of a graph fits its operands and results.
 *
 * <p>Engines trust much of what a file says: that an operand which they need is there, that a bias
 * has as many numbers as its kernel has channels, that a result is as large as the file declares.
 * What each operator needs is data ({@link Format}); a file that breaks it is refused here.
 */
final class OperatorRules {
    static final int MOST_REPEATED = 1000;
    /** Of activations; beyond, engines' own arithmetic of scales overflows. */
    static final double SMALLEST_SCALE = 1.0 / (1 << 30);
    static final double LARGEST_SCALE = 1 << 30;
    /** TFLite shifts operands of a sum by 20 bits, and ends the process if it does not suffice. */
    static final double FINEST_SUM = 1.0 / (1 << 18);
    /** XNNPACK refuses 256 while it builds a graph, and LiteRT 2.3 frees memory twice then. */
    static final double COARSEST_PRODUCT = 255;
    static final float LOGISTIC_SCALE = 1f / 256;
    static final int LOGISTIC_ZERO_POINT = -128;
    static final float TANH_SCALE = 1f / 128;
    static final int TANH_ZERO_POINT = 0;
    static final Set<ElementType> ONLY_CONSTANT =
            EnumSet.of(ElementType.FLOAT16, ElementType.INT4);

    private final List<Tensor> tensors;
    private final ByteBuffer data;
    private final Map<Integer, Operator> producers = new HashMap<>();

    private OperatorRules(List<Tensor> tensors, ByteBuffer data) {
        this.tensors = tensors;
        this.data = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Checks all operators of a graph, in execution order.
     *
     * @throws ModelException if one does not fit; names it.
     */
    static void check(List<Tensor> tensors, List<Operator> operators, ByteBuffer data)
            throws ModelException {
        OperatorRules rules = new OperatorRules(tensors, data);
        for (int position = 0; position < operators.size(); position++) {
            Operator operator = operators.get(position);
            try {
                rules.check(operator);
            } catch (ModelException error) {
                throw FlatBuffer.malformed("operator " + position + " (" + operator.name + "): "
                        + error.getMessage());
            }
            for (int output : operator.outputs) {
                rules.producers.put(output, operator);
            }
        }
    }

    private void check(final Operator operator) throws ModelException {
        final Tensor[] operands = new Tensor[operator.inputs.length];
        int[][] shapes = new int[operands.length][];
        for (int number = 0; number < operands.length; number++) {
            int index = operator.inputs[number];
            operands[number] = index == Operator.OPTIONAL_TENSOR ? null : tensors.get(index);
            shapes[number] = operands[number] == null ? null : operands[number].shape;
        }
        List<Tensor> results = new ArrayList<>();
        for (int index : operator.outputs) {
            results.add(tensors.get(index));
        }
        checkOptions(operator);
        checkOperands(operator.rules, operands, results);
        checkTypes(operator.rules, operands, results);
        checkQuantization(operator.rules, operands, results);
        ShapeRules.Call call = new ShapeRules.Call(shapes, operator.options, results.size()) {
            @Override
            long[] values(int operand) {
                return OperatorRules.this.values(operands[operand]);
            }

            @Override
            Long distance(int from, int to) {
                return OperatorRules.this.distance(operands[from], operands[to]);
            }
        };
        long[][] expected = ShapeRules.results(operator.rules.shape, call);
        for (int number = 0; number < expected.length; number++) {
            Tensor result = results.get(number);
            boolean fits = result.shape.length == expected[number].length;
            for (int axis = 0; fits && axis < result.shape.length; axis++) {
                fits = result.shape[axis] == expected[number][axis];
            }
            require(fits, "it gives " + Arrays.toString(expected[number]) + ", and the file says "
                    + Arrays.toString(result.shape) + " of '" + result.name + "'");
        }
    }

    private static void checkOptions(Operator operator) throws ModelException {
        String name = operator.rules.options;
        Format.Options table = name == null ? null : Format.TFLITE.options.get(name);
        if (operator.optionsType == 0 && (table == null || table.optional)) {
            return;
        }
        String found = Format.TFLITE.optionsNames.get(operator.optionsType);
        require(table != null && operator.optionsType == table.type, "it has the options "
                + (found == null ? "of type " + operator.optionsType : found) + ", not " + name);
    }

    private void checkOperands(Format.Rules rules, Tensor[] operands, List<Tensor> results)
            throws ModelException {
        boolean repeats = rules.operands.get(0).repeated;
        int most = repeats ? MOST_REPEATED : rules.operands.size();
        require(operands.length > 0 && operands.length <= most,
                "it has " + operands.length + " operands");
        int count = repeats ? operands.length : rules.operands.size();
        for (int number = 0; number < count; number++) {
            Format.Operand needed = rules.operands.get(repeats ? 0 : number);
            Tensor tensor = number < operands.length ? operands[number] : null;
            if (tensor == null) {
                require(needed.optional, "its " + needed.name + " is missing");
                continue;
            }
            checkRank(tensor, needed.name, needed.ranks == null ? rules.ranks : needed.ranks);
            require(!needed.constant || isConstant(tensor),
                    "its " + needed.name + " is not a constant");
        }
        require(results.size() == 1 || rules.manyResults && !results.isEmpty(),
                "it has " + results.size() + " results");
        for (Tensor tensor : results) {
            checkRank(tensor, "result", rules.ranks);
        }
    }

    private static void checkRank(Tensor tensor, String name, int[] ranks)
            throws ModelException {
        int rank = tensor.shape.length;
        require(rank >= ranks[0] && rank <= ranks[1],
                "its " + name + " has " + rank + " dimensions");
    }

    /** Whether a tensor's values are in the file, perhaps in a smaller type. */
    private boolean isConstant(Tensor tensor) {
        if (tensor.isConstant()) {
            return true;
        }
        Operator producer = producers.get(tensor.index);
        return producer != null && producer.name.equals("DEQUANTIZE")
                && tensors.get(producer.inputs[0]).isConstant();
    }

    private static void checkTypes(Format.Rules rules, Tensor[] operands, List<Tensor> results)
            throws ModelException {
        for (List<String> types : rules.types) {
            if (fitAll(rules, types, operands, results)) {
                return;
            }
        }
        StringBuilder found = new StringBuilder();
        for (Tensor tensor : operands) {
            found.append(found.length() == 0 ? "" : ", ").append(described(tensor));
        }
        throw new ModelException(
                "it does not take " + found + " to " + described(results.get(0)));
    }

    private static boolean fitAll(Format.Rules rules, List<String> types, Tensor[] operands,
            List<Tensor> results) {
        String result = types.get(types.size() - 1);
        for (Tensor tensor : results) {
            if (!fits(tensor, result)) {
                return false;
            }
        }
        boolean repeats = rules.operands.get(0).repeated;
        for (int number = 0; number < operands.length; number++) {
            if (operands[number] != null
                    && !fits(operands[number], types.get(repeats ? 0 : number))) {
                return false;
            }
        }
        return true;
    }

    /** Whether a tensor is of a type of the table. */
    private static boolean fits(Tensor tensor, String wanted) {
        int bracket = wanted.indexOf('[');
        String dtype = bracket < 0 ? wanted : wanted.substring(0, bracket);
        Quantization quantization = tensor.quantization;
        if (!tensor.dtype.toString().equals(dtype)) {
            return false;
        }
        if (bracket >= 0) {
            int axis = wanted.charAt(bracket + 1) - '0';
            return tensor.isConstant() && quantization != null
                    && (quantization.symmetric || tensor.dtype == ElementType.INT32)
                    && (quantization.channels == 1 || quantization.axis == axis);
        }
        if (tensor.dtype == ElementType.INT8) {
            return quantization != null && quantization.channels == 1
                    && quantization.scale >= SMALLEST_SCALE
                    && quantization.scale <= LARGEST_SCALE
                    && quantization.zeroPoint >= -128 && quantization.zeroPoint <= 127;
        }
        boolean mayBeComputed = !ONLY_CONSTANT.contains(tensor.dtype);
        return (quantization == null || tensor.dtype == ElementType.FLOAT32)
                && (tensor.isConstant() || mayBeComputed);
    }

    private static void checkQuantization(
            Format.Rules rules, Tensor[] operands, List<Tensor> results) throws ModelException {
        for (Tensor result : results) {
            if (result.dtype != ElementType.INT8) {
                continue;
            }
            Quantization own = result.quantization;
            boolean isFixed = rules.quantization.equals("logistic")
                    ? own.scale == LOGISTIC_SCALE && own.zeroPoint == LOGISTIC_ZERO_POINT
                    : !rules.quantization.equals("tanh")
                            || own.scale == TANH_SCALE && own.zeroPoint == TANH_ZERO_POINT;
            require(isFixed, "its result has the scale " + own.scale + ", which is not its own");
            for (Tensor operand : operands) {
                if (operand != null && operand.dtype == ElementType.INT8) {
                    checkPair(rules.quantization, operand.quantization, operands, own);
                }
            }
        }
    }

    private static void checkPair(
            String rule, Quantization operand, Tensor[] operands, Quantization result)
            throws ModelException {
        switch (rule) {
            case "product":
                double product = (double) operand.scale
                        * operands[1].quantization.largestScale;
                require(product < result.scale * COARSEST_PRODUCT,
                        "its result has a far finer scale than its products");
                break;
            case "sum":
                require(result.scale >= operand.scale * FINEST_SUM,
                        "its result has a far finer scale than its operands");
                break;
            case "same":
                require(operand.scale == result.scale && operand.zeroPoint == result.zeroPoint,
                        "its result has another quantisation than its operands");
                break;
            default:
        }
    }

    /** The whole numbers that a tensor holds, or null if they are not in the file. */
    private long[] values(Tensor tensor) {
        boolean wide = tensor != null && tensor.dtype == ElementType.INT64;
        if (tensor == null || !tensor.isConstant() || !wide
                && tensor.dtype != ElementType.INT32) {
            return null;
        }
        long[] values = new long[(int) tensor.elements()];
        for (int index = 0; index < values.length; index++) {
            values[index] = wide ? data.getLong(tensor.position + 8 * index)
                    : data.getInt(tensor.position + 4 * index);
        }
        return values;
    }

    /** How far a number is from another one: both constant, or the second a sum. */
    private Long distance(Tensor from, Tensor to) {
        long[] start = values(from);
        long[] end = values(to);
        if (start != null && end != null) {
            return end[0] - start[0];
        }
        Operator producer = producers.get(to.index);
        if (producer == null || !producer.name.equals("ADD")
                || producer.inputs[0] != from.index) {
            return null;
        }
        long[] added = values(tensors.get(producer.inputs[1]));
        return added == null || producer.option("fused_activation_function") != 0 ? null
                : Long.valueOf(added[0]);
    }

    private static String described(Tensor tensor) {
        if (tensor == null) {
            return "none";
        }
        Quantization quantization = tensor.quantization;
        return quantization == null ? tensor.dtype.toString()
                : tensor.dtype + " (" + quantization.channels + " scales)";
    }

    private static void require(boolean condition, String reason) throws ModelException {
        if (!condition) {
            throw new ModelException(reason);
        }
    }
}
