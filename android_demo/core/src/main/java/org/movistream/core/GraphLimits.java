package org.movistream.core;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Bounds the memory and the time that a step of a graph takes.
 *
 * <p>A few numbers in a file can ask for gigabytes, or for hours. The bounds are several times what
 * the largest of the known stream models needs for a frame.
 */
final class GraphLimits {
    static final long MOST_BYTES_AT_ONCE = 1L << 28;
    static final long MOST_BYTES_IN_ALL = 1L << 31;
    static final long MOST_WEIGHT_BYTES = 3L << 27;
    static final long MOST_WORKSPACE_BYTES = 1L << 27;
    static final long MOST_MULTIPLY_ADDS = 1L << 34;
    static final long POINTER_BYTES = 8;

    private final List<Tensor> tensors;

    private GraphLimits(List<Tensor> tensors) {
        this.tensors = tensors;
    }

    /**
     * Checks a graph whose operators have been checked.
     *
     * @throws ModelException if a step takes more memory or arithmetic than any stream model.
     */
    static void check(List<Tensor> tensors, int[] inputs, int[] outputs, List<Operator> operators)
            throws ModelException {
        GraphLimits limits = new GraphLimits(tensors);
        long total = 0;
        for (int index : inputs) {
            total += tensors.get(index).bytes;
        }
        double work = 0;
        for (Operator operator : operators) {
            for (int index : operator.outputs) {
                total += tensors.get(index).bytes;
            }
            require(limits.workspaceBytes(operator), MOST_WORKSPACE_BYTES, "bytes of workspace");
            work += limits.multiplyAdds(operator);
        }
        require(limits.mostAtOnce(inputs, outputs, operators), MOST_BYTES_AT_ONCE,
                "bytes of memory at once");
        require(total, MOST_BYTES_IN_ALL, "bytes of tensors");
        require(limits.weightBytes(operators), MOST_WEIGHT_BYTES, "bytes of weights");
        require(work, MOST_MULTIPLY_ADDS, "multiplications");
    }

    private static void require(double amount, long most, String what) throws ModelException {
        if (amount > most) {
            throw FlatBuffer.malformed("a step takes " + Format.number(amount) + " " + what
                    + ", more than " + most);
        }
    }

    /** Bytes of the tensors that are alive together, at most; inputs and outputs always are. */
    private long mostAtOnce(int[] inputs, int[] outputs, List<Operator> operators) {
        Map<Integer, Integer> last = new HashMap<>();
        for (int place = 0; place < operators.size(); place++) {
            for (int index : operators.get(place).inputs) {
                last.put(index, place);
            }
        }
        Set<Integer> kept = new HashSet<>();
        long now = 0;
        for (int[] side : new int[][] {inputs, outputs}) {
            for (int index : side) {
                now += kept.add(index) ? tensors.get(index).bytes : 0;
            }
        }
        long most = now;
        for (int place = 0; place < operators.size(); place++) {
            Set<Integer> over = new HashSet<>();
            for (int index : operators.get(place).outputs) {
                now += kept.contains(index) ? 0 : tensors.get(index).bytes;
                if (!last.containsKey(index)) {
                    over.add(index);
                }
            }
            most = Math.max(most, now);
            for (int index : operators.get(place).inputs) {
                if (index >= 0 && last.get(index) == place && !tensors.get(index).isConstant()) {
                    over.add(index);
                }
            }
            over.removeAll(kept);
            for (int index : over) {
                now -= tensors.get(index).bytes;
            }
        }
        return most;
    }

    /** Engines copy a constant for every operator that reads it, though the file has it once. */
    private long weightBytes(List<Operator> operators) {
        Set<Integer> fixed = new HashSet<>();
        for (Tensor tensor : tensors) {
            if (tensor.isConstant()) {
                fixed.add(tensor.index);
            }
        }
        long total = 0;
        for (Operator operator : operators) {
            for (int index : operator.inputs) {
                total += fixed.contains(index) ? tensors.get(index).bytes : 0;
            }
            if (operator.name.equals("DEQUANTIZE") && fixed.contains(operator.inputs[0])) {
                fixed.add(operator.outputs[0]);
                total += tensors.get(operator.outputs[0]).bytes;
            }
        }
        return total;
    }

    /** Numbers of the input that one position and channel of a result takes. */
    private double window(Operator operator) {
        int[] kernel;
        switch (operator.name) {
            case "CONV_2D":
            case "FULLY_CONNECTED":
                Tensor weights = tensors.get(operator.inputs[1]);
                return (double) weights.elements() / weights.shape[0];
            case "DEPTHWISE_CONV_2D":
                kernel = tensors.get(operator.inputs[1]).shape;
                return (double) kernel[1] * kernel[2];
            case "AVERAGE_POOL_2D":
            case "MAX_POOL_2D":
                return (double) operator.option("filter_height")
                        * operator.option("filter_width");
            case "BATCH_MATMUL":
                kernel = tensors.get(operator.inputs[0]).shape;
                boolean turned = (Boolean) operator.options.get("adj_x");
                return kernel[kernel.length - (turned ? 2 : 1)];
            default:
                return 1;
        }
    }

    private double multiplyAdds(Operator operator) {
        double read = 0;
        for (int index : operator.inputs) {
            read = Math.max(read, index < 0 ? 0 : tensors.get(index).elements());
        }
        double written = 0;
        for (int index : operator.outputs) {
            written += tensors.get(index).elements();
        }
        return Math.max(read, written * window(operator));
    }

    /** Engines lay out a convolution's windows side by side, or pointers to them. */
    private double workspaceBytes(Operator operator) {
        String shape = operator.rules.shape;
        if (!shape.endsWith("conv_2d") && !shape.equals("pool_2d")) {
            return 0;
        }
        int[] result = tensors.get(operator.outputs[0]).shape;
        double positions = (double) result[0] * result[1] * result[2];
        return positions * window(operator) * POINTER_BYTES;
    }
}
