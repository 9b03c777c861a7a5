package org.movistream.core;

/** What the elements of a tensor are. */
public enum ElementType {
    FLOAT32("float32", 32),
    FLOAT16("float16", 16),
    INT8("int8", 8),
    UINT8("uint8", 8),
    INT16("int16", 16),
    INT32("int32", 32),
    INT64("int64", 64),
    /** In graphs only. */
    BOOL("bool", 8),
    /** In graphs only. */
    INT4("int4", 4);

    private static final int BITS_PER_BYTE = 8;

    private final String text;
    private final int bits;

    ElementType(String text, int bits) {
        this.text = text;
        this.bits = bits;
    }

    /** Bytes that so many elements take, the last one filled up. */
    long bytes(long elements) {
        return (elements * bits + BITS_PER_BYTE - 1) / BITS_PER_BYTE;
    }

    /** As manifests call it. */
    @Override
    public String toString() {
        return text;
    }
}
