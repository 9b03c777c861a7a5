package org.movistream.core;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes maps, lists, texts, numbers, booleans and nulls as compact JSON, in their own order. */
public final class JsonWriter {
    private JsonWriter() {}

    /**
     * One line of JSON.
     *
     * @throws IllegalArgumentException if a value is of another kind; numbers that JSON does not
     *     have, such as not-a-number, become null.
     */
    public static String write(@Nullable Object value) {
        StringBuilder out = new StringBuilder();
        append(out, value);
        return out.toString();
    }

    private static void append(StringBuilder out, Object value) {
        if (value == null || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof String) {
            appendText(out, (String) value);
        } else if (value instanceof Number) {
            appendNumber(out, (Number) value);
        } else if (value instanceof Map) {
            char separator = '{';
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                out.append(separator);
                appendText(out, (String) entry.getKey());
                out.append(':');
                append(out, entry.getValue());
                separator = ',';
            }
            out.append(separator == '{' ? "{}" : "}");
        } else if (value instanceof Iterable) {
            char separator = '[';
            for (Object element : (Iterable<?>) value) {
                out.append(separator);
                append(out, element);
                separator = ',';
            }
            out.append(separator == '[' ? "[]" : "]");
        } else {
            throw new IllegalArgumentException("no JSON for " + value.getClass());
        }
    }

    private static void appendNumber(StringBuilder out, Number number) {
        double value = number.doubleValue();
        boolean exists = !Double.isNaN(value) && !Double.isInfinite(value);
        out.append(exists ? number.toString() : "null");
    }

    private static void appendText(StringBuilder out, String text) {
        out.append('"');
        for (int index = 0; index < text.length(); index++) {
            char next = text.charAt(index);
            if (next == '"' || next == '\\') {
                out.append('\\').append(next);
            } else if (next < ' ') {
                out.append("\\u00").append(next < 16 ? "0" : "").append(Integer.toHexString(next));
            } else {
                out.append(next);
            }
        }
        out.append('"');
    }
}
