package org.movistream.core;

import java.util.Arrays;

/** Arrays that hold a tensor's values: float[], byte[] or int[], by element type. */
final class Tensors {
    private Tensors() {}

    /**
     * An array for a tensor, every element of one value.
     *
     * @throws ModelException if there is no such array for the type.
     */
    static Object filled(ElementType dtype, int elements, double value) throws ModelException {
        switch (dtype) {
            case FLOAT32:
                float[] floats = new float[elements];
                Arrays.fill(floats, (float) value);
                return floats;
            case INT8:
                byte[] bytes = new byte[elements];
                Arrays.fill(bytes, (byte) value);
                return bytes;
            case INT32:
                int[] ints = new int[elements];
                Arrays.fill(ints, (int) value);
                return ints;
            default:
                throw new ModelException("it has a tensor of type " + dtype
                        + "; only float32, int8 and int32 are carried here");
        }
    }

    static void write(TensorBuffer buffer, Object values) throws EngineException {
        if (values instanceof float[]) {
            buffer.write((float[]) values);
        } else if (values instanceof byte[]) {
            buffer.write((byte[]) values);
        } else {
            buffer.write((int[]) values);
        }
    }

    static void read(TensorBuffer buffer, Object into) throws EngineException {
        if (into instanceof float[]) {
            buffer.read((float[]) into);
        } else if (into instanceof byte[]) {
            buffer.read((byte[]) into);
        } else {
            buffer.read((int[]) into);
        }
    }
}
