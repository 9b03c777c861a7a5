package org.movistream.core;

import java.util.HashMap;
import java.util.Map;

/**
 * TFLite's built-in operators that stream models are made of.
 *
 * <p>With these, engines refuse bad options and shapes instead of crashing. A file with others
 * is not handed to an engine: nothing but the file itself vouches for its content.
 */
final class Operators {
    /** Engines follow its sizes unchecked; {@link ModelFile} compares them first. */
    static final int RESHAPE = 22;
    /** Likewise, the quantisation of its output. */
    static final int QUANTIZE = 114;

    private static final Map<Integer, String> NAMES = new HashMap<>();

    static {
        // Codes of enum BuiltinOperator in TFLite's schema.fbs.
        NAMES.put(0, "ADD");
        NAMES.put(1, "AVERAGE_POOL_2D");
        NAMES.put(2, "CONCATENATION");
        NAMES.put(3, "CONV_2D");
        NAMES.put(4, "DEPTHWISE_CONV_2D");
        NAMES.put(6, "DEQUANTIZE");
        NAMES.put(9, "FULLY_CONNECTED");
        NAMES.put(14, "LOGISTIC");
        NAMES.put(18, "MUL");
        NAMES.put(19, "RELU");
        NAMES.put(21, "RELU6");
        NAMES.put(RESHAPE, "RESHAPE");
        NAMES.put(40, "MEAN");
        NAMES.put(41, "SUB");
        NAMES.put(42, "DIV");
        NAMES.put(66, "SIN");
        NAMES.put(108, "COS");
        NAMES.put(QUANTIZE, "QUANTIZE");
        NAMES.put(117, "HARD_SWISH");
    }

    private Operators() {}

    /** The name of an operator that engines check well, or null. */
    static String robustName(int code) {
        return NAMES.get(code);
    }
}
