package org.movistream.core;

import java.util.Arrays;
import java.util.Map;

/**
 * The shapes that operators give, worked out from shapes, options and constants.
 *
 * <p>A shape that a file declares is compared with these, because engines compute some sizes anew
 * and take others from the file, and write over the end of a tensor where the two differ.
 */
final class ShapeRules {
    static final long SAME_PADDING = 0;

    private ShapeRules() {}

    /** One use of an operator. */
    abstract static class Call {
        /** Shapes of the operands; null for one that is missing. */
        final int[][] shapes;
        final Map<String, Object> options;
        final int resultCount;

        Call(int[][] shapes, Map<String, Object> options, int resultCount) {
            this.shapes = shapes;
            this.options = options;
            this.resultCount = resultCount;
        }

        /** The whole numbers that an operand holds, or null if they are not in the file. */
        abstract long[] values(int operand);

        /** How far an operand is from another one, or null where it is not known. */
        abstract Long distance(int from, int to);

        private long option(String name) {
            return (Long) options.get(name);
        }

        private boolean truth(String name) {
            return (Boolean) options.get(name);
        }

        private long[] known(int operand) throws ModelException {
            long[] values = values(operand);
            require(values != null, "operand " + operand + " has to be a constant");
            return values;
        }
    }

    /**
     * The shape of each result.
     *
     * @throws ModelException where operands or options do not fit.
     */
    static long[][] results(String rule, Call call) throws ModelException {
        switch (rule) {
            case "same":
                return one(longs(call.shapes[0]));
            case "broadcast":
                return one(broadcast(call));
            case "prelu":
                return one(prelu(call));
            case "conv_2d":
                return one(conv2d(call));
            case "depthwise_conv_2d":
                return one(depthwiseConv2d(call));
            case "pool_2d":
                return one(pool2d(call));
            case "fully_connected":
                return one(fullyConnected(call));
            case "batch_matmul":
                return one(batchMatmul(call));
            case "concatenation":
                return one(concatenation(call));
            case "reduce":
                return one(reduce(call));
            case "reshape":
                return one(reshape(call));
            case "squeeze":
                return one(squeeze(call));
            case "expand_dims":
                return one(expandDims(call));
            case "transpose":
                return one(transpose(call));
            case "slice":
                return one(slice(call));
            case "strided_slice":
                return one(stridedSlice(call));
            case "split":
                return split(call);
            case "pack":
                return one(pack(call));
            case "unpack":
                return unpack(call);
            case "gather":
                return one(gather(call));
            case "pad":
                return one(pad(call));
            case "tile":
                return one(tile(call));
            case "broadcast_to":
                return one(broadcastTo(call));
            case "range":
                return one(range(call));
            default:
                throw new IllegalStateException("there is no rule " + rule);
        }
    }

    private static long[] broadcast(Call call) throws ModelException {
        int rank = 0;
        for (int[] shape : call.shapes) {
            rank = Math.max(rank, shape.length);
        }
        long[] result = new long[rank];
        Arrays.fill(result, 1);
        for (int[] shape : call.shapes) {
            for (int axis = 0; axis < shape.length; axis++) {
                int place = rank - shape.length + axis;
                if (shape[axis] != 1) {
                    require(result[place] == 1 || result[place] == shape[axis],
                            "shapes " + Arrays.deepToString(call.shapes) + " do not go together");
                    result[place] = shape[axis];
                }
            }
        }
        return result;
    }

    private static long[] prelu(Call call) throws ModelException {
        long[] shape = longs(call.shapes[0]);
        require(Arrays.equals(broadcast(call), shape), "its slopes do not fit its input");
        return shape;
    }

    private static long[] conv2d(Call call) throws ModelException {
        int[] input = call.shapes[0];
        int[] kernel = call.shapes[1];
        require(kernel[3] == input[3],
                "a kernel of " + kernel[3] + " channels meets " + input[3]);
        requireBias(call, kernel[0], "channel");
        return new long[] {input[0], windows(call, "h", input[1], kernel[1]),
            windows(call, "w", input[2], kernel[2]), kernel[0]};
    }

    private static long[] depthwiseConv2d(Call call) throws ModelException {
        int[] input = call.shapes[0];
        int[] kernel = call.shapes[1];
        long multiplier = call.option("depth_multiplier");
        require(kernel[0] == 1 && kernel[3] == input[3] * multiplier, "a kernel of " + kernel[3]
                + " channels meets " + input[3] + ", " + multiplier + " times");
        requireBias(call, kernel[3], "channel");
        return new long[] {input[0], windows(call, "h", input[1], kernel[1]),
            windows(call, "w", input[2], kernel[2]), kernel[3]};
    }

    private static long[] pool2d(Call call) throws ModelException {
        int[] input = call.shapes[0];
        return new long[] {input[0],
            windows(call, "h", input[1], call.option("filter_height")),
            windows(call, "w", input[2], call.option("filter_width")), input[3]};
    }

    /** How many positions a kernel has along an axis, {@code h} or {@code w}. */
    private static long windows(Call call, String axis, long size, long kernel)
            throws ModelException {
        long stride = call.option("stride_" + axis);
        Object dilation = call.options.get("dilation_" + axis + "_factor");
        long reach = (kernel - 1) * (dilation == null ? 1 : (Long) dilation) + 1;
        if (call.option("padding") == SAME_PADDING) {
            return (size + stride - 1) / stride;
        }
        require(reach <= size, "a kernel reaches over " + reach + " of " + size + " pixels");
        return (size - reach) / stride + 1;
    }

    private static void requireBias(Call call, int count, String of) throws ModelException {
        boolean none = call.shapes.length < 3 || call.shapes[2] == null;
        require(none || Arrays.equals(call.shapes[2], new int[] {count}),
                "its bias is not one number a " + of);
    }

    private static long[] fullyConnected(Call call) throws ModelException {
        int[] shape = call.shapes[0];
        int outputs = call.shapes[1][0];
        int inputs = call.shapes[1][1];
        requireBias(call, outputs, "unit");
        if (call.truth("keep_num_dims")) {
            int last = shape[shape.length - 1];
            require(last == inputs, "a kernel of " + inputs + " inputs meets " + last);
            long[] result = longs(shape);
            result[shape.length - 1] = outputs;
            return result;
        }
        long size = product(longs(shape));
        require(size % inputs == 0, "a kernel of " + inputs + " inputs meets " + size);
        return new long[] {size / inputs, outputs};
    }

    private static long[] batchMatmul(Call call) throws ModelException {
        int[] first = call.shapes[0];
        int[] second = call.shapes[1];
        int rank = first.length;
        int turnsFirst = call.truth("adj_x") ? 1 : 0;
        int turnsSecond = call.truth("adj_y") ? 1 : 0;
        boolean fits = rank == second.length
                && first[rank - 1 - turnsFirst] == second[rank - 2 + turnsSecond];
        for (int axis = 0; fits && axis < rank - 2; axis++) {
            fits = first[axis] == second[axis];
        }
        require(fits, "matrices " + Arrays.deepToString(call.shapes) + " do not go together");
        long[] result = longs(first);
        result[rank - 2] = first[rank - 2 + turnsFirst];
        result[rank - 1] = second[rank - 1 - turnsSecond];
        return result;
    }

    private static long[] concatenation(Call call) throws ModelException {
        int[] first = call.shapes[0];
        int axis = axis(call.option("axis"), first.length);
        long total = 0;
        for (int[] shape : call.shapes) {
            boolean fits = shape.length == first.length
                    && Arrays.equals(without(shape, axis), without(first, axis));
            require(fits, "shapes " + Arrays.toString(first) + " and " + Arrays.toString(shape)
                    + " do not go together");
            total += shape[axis];
        }
        long[] result = longs(first);
        result[axis] = total;
        return result;
    }

    private static long[] reduce(Call call) throws ModelException {
        int[] shape = call.shapes[0];
        boolean[] reduced = axes(call.known(1), shape.length);
        return call.truth("keep_dims") ? kept(shape, reduced) : left(shape, reduced);
    }

    private static long[] reshape(Call call) throws ModelException {
        // Engines follow a second operand, even one that is missing.
        boolean isGiven = call.shapes.length > 1;
        require(!isGiven || call.shapes[1] != null, "its shape is missing");
        long[] option = longs((int[]) call.options.get("new_shape"));
        long[] target = isGiven ? call.known(1).clone() : option.clone();
        require(!isGiven || option.length == 0 || Arrays.equals(option, target),
                "it is told two shapes");
        long size = product(longs(call.shapes[0]));
        int unknown = -1;
        long known = 1;
        boolean fits = true;
        for (int axis = 0; axis < target.length; axis++) {
            if (target[axis] == -1) {
                fits &= unknown < 0;
                unknown = axis;
            } else {
                fits &= target[axis] > 0 && target[axis] <= size;
                // At most the square of what a tensor may hold, five times: stopped before.
                known = fits && known <= size ? known * target[axis] : known;
            }
        }
        fits &= known > 0 && (unknown < 0 ? known == size : size % known == 0);
        require(fits, size + " numbers do not fill " + Arrays.toString(target));
        if (unknown >= 0) {
            target[unknown] = size / known;
        }
        return target;
    }

    private static long[] squeeze(Call call) throws ModelException {
        int[] shape = call.shapes[0];
        int[] named = (int[]) call.options.get("squeeze_dims");
        boolean[] left = axes(longs(named), shape.length);
        for (int axis = 0; axis < shape.length; axis++) {
            left[axis] |= named.length == 0 && shape[axis] == 1;
            require(!left[axis] || shape[axis] == 1, "it leaves out an axis that has entries");
        }
        return left(shape, left);
    }

    private static long[] expandDims(Call call) throws ModelException {
        long[] shape = longs(call.shapes[0]);
        return with(shape, axis(single(call.known(1)), shape.length + 1), 1);
    }

    private static long[] transpose(Call call) throws ModelException {
        int[] shape = call.shapes[0];
        long[] axes = call.known(1);
        long[] sorted = axes.clone();
        Arrays.sort(sorted);
        boolean fits = axes.length == shape.length;
        for (int axis = 0; fits && axis < axes.length; axis++) {
            fits = sorted[axis] == axis;
        }
        require(fits, "its axes are no permutation");
        long[] result = new long[axes.length];
        for (int axis = 0; axis < axes.length; axis++) {
            result[axis] = shape[(int) axes[axis]];
        }
        return result;
    }

    private static long[] slice(Call call) throws ModelException {
        int[] shape = call.shapes[0];
        long[] begin = call.known(1);
        long[] size = call.known(2);
        require(begin.length == shape.length && size.length == shape.length,
                "it does not name each axis");
        long[] result = new long[shape.length];
        for (int axis = 0; axis < shape.length; axis++) {
            long rest = shape[axis] - begin[axis];
            result[axis] = size[axis] == -1 ? rest : size[axis];
            require(begin[axis] >= 0 && result[axis] >= 1 && result[axis] <= rest,
                    "it reaches over an end");
        }
        return result;
    }

    private static long[] stridedSlice(Call call) throws ModelException {
        int[] shape = call.shapes[0];
        long[] begin = call.known(1);
        long[] end = call.known(2);
        long[] strides = call.known(3);
        int named = begin.length;
        require(end.length == named && strides.length == named && named <= shape.length,
                "it names other axes");
        boolean[] shrunk = new boolean[shape.length];
        int[] result = shape.clone();
        for (int axis = 0; axis < named; axis++) {
            long bit = 1L << axis;
            int whole = shape[axis];
            boolean fromStart = (call.option("begin_mask") & bit) != 0;
            boolean toEnd = (call.option("end_mask") & bit) != 0;
            require(strides[axis] > 0, "it does not step forwards");
            if ((call.option("shrink_axis_mask") & bit) != 0) {
                long index = begin[axis] + (begin[axis] < 0 ? whole : 0);
                require(index >= 0 && index < whole && !fromStart, "it is outside");
                shrunk[axis] = true;
                continue;
            }
            long first = fromStart ? 0 : clamped(begin[axis], whole);
            long last = toEnd ? whole : clamped(end[axis], whole);
            require(first < last, "nothing is left of it");
            result[axis] = (int) ((last - first + strides[axis] - 1) / strides[axis]);
        }
        return left(result, shrunk);
    }

    private static long[][] split(Call call) throws ModelException {
        long[] shape = longs(call.shapes[1]);
        long parts = call.option("num_splits");
        int axis = axis(single(call.known(0)), shape.length);
        require(parts == call.resultCount && shape[axis] % parts == 0,
                shape[axis] + " entries do not make " + parts + " parts");
        shape[axis] /= parts;
        return repeated(shape, call.resultCount);
    }

    private static long[] pack(Call call) throws ModelException {
        int count = call.shapes.length;
        require(call.option("values_count") == count, "it has another number of parts");
        for (int[] shape : call.shapes) {
            require(Arrays.equals(shape, call.shapes[0]), "its parts differ in shape");
        }
        long[] shape = longs(call.shapes[0]);
        return with(shape, axis(call.option("axis"), shape.length + 1), count);
    }

    private static long[][] unpack(Call call) throws ModelException {
        int[] shape = call.shapes[0];
        int axis = axis(call.option("axis"), shape.length);
        require(call.option("num") == shape[axis] && call.resultCount == shape[axis],
                "it has another number of results");
        return repeated(longs(without(shape, axis)), call.resultCount);
    }

    private static long[] gather(Call call) throws ModelException {
        int[] shape = call.shapes[0];
        int axis = axis(call.option("axis"), shape.length);
        for (long index : call.known(1)) {
            require(index >= 0 && index < shape[axis],
                    "an index is outside the " + shape[axis] + " entries");
        }
        int[] indices = call.shapes[1];
        if (indices.length == 0) {
            return longs(without(shape, axis));
        }
        long[] result = longs(shape);
        result[axis] = indices[0];
        return result;
    }

    private static long[] pad(Call call) throws ModelException {
        long[] result = longs(call.shapes[0]);
        long[] paddings = call.known(1);
        boolean fits = Arrays.equals(call.shapes[1], new int[] {result.length, 2});
        for (int place = 0; fits && place < paddings.length; place++) {
            fits = paddings[place] >= 0;
            result[place / 2] += paddings[place];
        }
        require(fits, "its paddings are not two numbers from 0 on for each axis");
        return result;
    }

    private static long[] tile(Call call) throws ModelException {
        long[] result = longs(call.shapes[0]);
        long[] multiples = call.known(1);
        boolean fits = multiples.length == result.length;
        for (int axis = 0; fits && axis < result.length; axis++) {
            fits = multiples[axis] > 0;
            result[axis] *= multiples[axis];
        }
        require(fits, "it does not name each axis");
        return result;
    }

    private static long[] broadcastTo(Call call) throws ModelException {
        int[] shape = call.shapes[0];
        long[] target = call.known(1);
        int more = target.length - shape.length;
        boolean fits = more >= 0;
        for (int axis = 0; fits && axis < target.length; axis++) {
            int size = axis < more ? 1 : shape[axis - more];
            fits = target[axis] > 0 && (size == 1 || size == target[axis]);
        }
        require(fits, Arrays.toString(shape) + " cannot be repeated to "
                + Arrays.toString(target));
        return target;
    }

    private static long[] range(Call call) throws ModelException {
        Long span = call.distance(0, 1);
        long step = single(call.known(2));
        require(span != null, "how many numbers it gives is not known before it runs");
        require(step != 0 && span != 0 && (span > 0) == (step > 0), "it gives no numbers");
        return new long[] {(Math.abs(span) + Math.abs(step) - 1) / Math.abs(step)};
    }

    private static void require(boolean condition, String reason) throws ModelException {
        if (!condition) {
            throw new ModelException(reason);
        }
    }

    private static int axis(long axis, int rank) throws ModelException {
        require(axis >= -rank && axis < rank, "there is no axis " + axis + " of " + rank);
        return (int) (axis < 0 ? axis + rank : axis);
    }

    private static boolean[] axes(long[] axes, int rank) throws ModelException {
        boolean[] named = new boolean[rank];
        for (long each : axes) {
            int axis = axis(each, rank);
            require(!named[axis], "it names an axis twice");
            named[axis] = true;
        }
        return named;
    }

    private static long single(long[] values) throws ModelException {
        require(values.length == 1, "one number is needed");
        return values[0];
    }

    /** A place between entries, counted from the end if negative. */
    private static long clamped(long index, int size) {
        return Math.min(Math.max(index < 0 ? index + size : index, 0), size);
    }

    private static int[] without(int[] shape, int axis) {
        int[] rest = new int[shape.length - 1];
        for (int place = 0; place < rest.length; place++) {
            rest[place] = shape[place < axis ? place : place + 1];
        }
        return rest;
    }

    private static long[] with(long[] shape, int axis, long size) {
        long[] more = new long[shape.length + 1];
        for (int place = 0; place < more.length; place++) {
            more[place] = place == axis ? size : shape[place < axis ? place : place - 1];
        }
        return more;
    }

    /** A shape with 1 in place of some axes. */
    private static long[] kept(int[] shape, boolean[] reduced) {
        long[] result = longs(shape);
        for (int axis = 0; axis < shape.length; axis++) {
            result[axis] = reduced[axis] ? 1 : shape[axis];
        }
        return result;
    }

    /** A shape without some axes. */
    private static long[] left(int[] shape, boolean[] removed) {
        long[] result = new long[shape.length];
        int count = 0;
        for (int axis = 0; axis < shape.length; axis++) {
            if (!removed[axis]) {
                result[count++] = shape[axis];
            }
        }
        return Arrays.copyOf(result, count);
    }

    private static long product(long[] sizes) {
        long product = 1;
        for (long size : sizes) {
            product *= size;
        }
        return product;
    }

    private static long[] longs(int[] numbers) {
        long[] wide = new long[numbers.length];
        for (int index = 0; index < numbers.length; index++) {
            wide[index] = numbers[index];
        }
        return wide;
    }

    private static long[][] one(long[] shape) {
        return new long[][] {shape};
    }

    private static long[][] repeated(long[] shape, int count) {
        long[][] shapes = new long[count][];
        Arrays.fill(shapes, shape);
        return shapes;
    }
}
