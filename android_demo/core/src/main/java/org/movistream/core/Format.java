package org.movistream.core;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a model file may hold, as data: {@code tflite.json}, which the Python runtime has too and
 * describes ({@code operators.py}).
 */
final class Format {
    /** The one format there is. */
    static final Format TFLITE = load();

    /** Fields of each table, in the schema's order. */
    final Map<String, List<Field>> tables = new HashMap<>();
    /** Which of the tables are options of operators. */
    final Map<String, Options> options = new HashMap<>();
    /** Their names by their type in the schema's union. */
    final Map<Integer, String> optionsNames = new HashMap<>();
    /** What each operator needs that a model may use. */
    final Map<String, Rules> operators = new HashMap<>();
    /** Names of all built-in operators, in the order of their codes. */
    final List<String> operatorNames = new ArrayList<>();

    private Format(Map<String, Object> json) throws ModelException {
        for (Map.Entry<String, Object> entry : object(json.get("tables")).entrySet()) {
            List<Field> fields = new ArrayList<>();
            for (Object field : list(entry.getValue())) {
                fields.add(new Field(object(field)));
            }
            tables.put(entry.getKey(), fields);
        }
        for (Map.Entry<String, Object> entry : object(json.get("options")).entrySet()) {
            Options table = new Options(object(entry.getValue()));
            options.put(entry.getKey(), table);
            optionsNames.put(table.type, entry.getKey());
        }
        for (Map.Entry<String, Object> entry : object(json.get("operators")).entrySet()) {
            operators.put(entry.getKey(), new Rules(object(entry.getValue())));
        }
        for (Object name : list(json.get("operator_names"))) {
            operatorNames.add((String) name);
        }
    }

    /** The name of a built-in operator; {@code OPERATOR_n} for one newer than this list. */
    String operatorName(int code) {
        return code >= 0 && code < operatorNames.size() ? operatorNames.get(code)
                : "OPERATOR_" + code;
    }

    /** The options of an operator that has none written. */
    Map<String, Object> defaults(String table) {
        Map<String, Object> values = new HashMap<>();
        if (table != null) {
            for (Field field : tables.get(table)) {
                values.put(field.name, field.empty());
            }
        }
        return values;
    }

    /** One field of a table. */
    static final class Field {
        final String name;
        final String type;
        final double byDefault;
        final double lowest;
        final double highest;
        final long longest;

        Field(Map<String, Object> json) {
            name = (String) json.get("name");
            type = (String) json.get("type");
            byDefault = number(json, "default", 0);
            lowest = number(json, "lowest", Double.NEGATIVE_INFINITY);
            highest = number(json, "highest", Double.POSITIVE_INFINITY);
            longest = (long) number(json, "longest", Integer.MAX_VALUE);
        }

        boolean isNumber() {
            return numberBytes() != 0;
        }

        /** Inside its table: a number itself, or the offset of what lies elsewhere. */
        int bytes() {
            return isNumber() ? numberBytes() : 4;
        }

        /** What is read where the field is not written. */
        Object empty() {
            switch (type) {
                case "bool":
                    return byDefault != 0;
                case "float32":
                    return byDefault;
                case "[uint8]":
                    return new FlatBuffer.Span(0, 0);
                case "[int32]":
                    return new int[0];
                case "[int64]":
                    return new long[0];
                case "[float32]":
                    return new float[0];
                default:
                    if (isNumber()) {
                        return (long) byDefault;
                    }
                    return type.startsWith("[") ? new ArrayList<Object>() : null;
            }
        }

        private int numberBytes() {
            switch (type) {
                case "bool":
                case "int8":
                case "uint8":
                    return 1;
                case "int32":
                case "uint32":
                case "float32":
                    return 4;
                case "uint64":
                    return 8;
                default:
                    return 0;
            }
        }
    }

    /** A table that an operator's options may be. */
    static final class Options {
        final int type;
        final boolean optional;

        Options(Map<String, Object> json) {
            type = (int) number(json, "type", 0);
            optional = truth(json, "optional");
        }
    }

    /** What an operator reads. */
    static final class Operand {
        final String name;
        final boolean constant;
        final boolean optional;
        final boolean repeated;
        /** Lowest and highest number of dimensions, or null for the operator's. */
        final int[] ranks;

        Operand(Map<String, Object> json) {
            name = (String) json.get("name");
            constant = truth(json, "constant");
            optional = truth(json, "optional");
            repeated = truth(json, "repeated");
            ranks = range(json.get("ranks"), null);
        }
    }

    /** What an operator needs. */
    static final class Rules {
        final List<Operand> operands = new ArrayList<>();
        final List<List<String>> types = new ArrayList<>();
        final String shape;
        /** Null for none. */
        final String options;
        final String quantization;
        final int[] ranks;
        final boolean manyResults;
        final boolean sizedAtRunTime;

        Rules(Map<String, Object> json) {
            for (Object operand : list(json.get("operands"))) {
                operands.add(new Operand(object(operand)));
            }
            for (Object combination : list(json.get("types"))) {
                List<String> types = new ArrayList<>();
                for (Object type : list(combination)) {
                    types.add((String) type);
                }
                this.types.add(types);
            }
            shape = (String) json.get("shape");
            options = (String) json.get("options");
            Object rule = json.get("quantization");
            quantization = rule == null ? "free" : (String) rule;
            ranks = range(json.get("ranks"), new int[] {0, 5});
            manyResults = "many".equals(json.get("results"));
            sizedAtRunTime = truth(json, "sized_at_run_time");
        }
    }

    /** A number as Python writes it: whole ones without a point. */
    static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e18 ? Long.toString((long) value)
                : Double.toString(value);
    }

    private static Format load() {
        try (InputStream stream = Format.class.getResourceAsStream("tflite.json")) {
            if (stream == null) {
                throw new IllegalStateException("tflite.json is not packed with these classes");
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            byte[] part = new byte[8192];
            for (int count = stream.read(part); count > 0; count = stream.read(part)) {
                bytes.write(part, 0, count);
            }
            return new Format(object(Json.parse(bytes.toString("UTF-8"))));
        } catch (IOException | ModelException error) {
            throw new IllegalStateException("tflite.json cannot be read", error);
        }
    }

    @SuppressWarnings("unchecked") // The file is this project's own.
    private static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked") // The file is this project's own.
    private static List<Object> list(Object value) {
        return (List<Object>) value;
    }

    private static double number(Map<String, Object> json, String name, double otherwise) {
        Object value = json.get(name);
        return value == null ? otherwise : ((Number) value).doubleValue();
    }

    private static boolean truth(Map<String, Object> json, String name) {
        return Boolean.TRUE.equals(json.get(name));
    }

    private static int[] range(Object value, int[] otherwise) {
        if (value == null) {
            return otherwise;
        }
        List<Object> ends = list(value);
        return new int[] {((Long) ends.get(0)).intValue(), ((Long) ends.get(1)).intValue()};
    }
}
