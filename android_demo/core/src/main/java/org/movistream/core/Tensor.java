package org.movistream.core;

/** One tensor of a graph. */
final class Tensor {
    /** In its graph; two names of one tensor have the same. */
    final int index;
    final String name;
    final ElementType dtype;
    /** All sizes are 1 or more. */
    final int[] shape;
    /** Null for none. */
    final Quantization quantization;
    /** Its size. */
    final long bytes;
    /** In the file, of a constant's bytes; -1 for others. */
    final int position;

    Tensor(int index, String name, ElementType dtype, int[] shape, Quantization quantization,
            long bytes, int position) {
        this.index = index;
        this.name = name;
        this.dtype = dtype;
        this.shape = shape;
        this.quantization = quantization;
        this.bytes = bytes;
        this.position = position;
    }

    boolean isConstant() {
        return position >= 0;
    }

    /** How many numbers it holds. */
    long elements() {
        long elements = 1;
        for (int size : shape) {
            elements *= size;
        }
        return elements;
    }
}
