package org.movistream.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads FlatBuffers without trusting them: every offset is checked before it is followed.
 *
 * <p>Engines' own readers do not check, and crash on a damaged file. What tables there are, and
 * what their fields may hold, is data ({@link Format}), so that nothing is followed that is not
 * described. Positions are long so that no sum of two of them can wrap around.
 *
 * <p>A table becomes a map from its fields' names to Boolean, Long, Double, String, int[], long[],
 * float[], {@link Span}, the map of a table or a list of those. Numbers that are not written have
 * their defaults; tables and text that are not written are null; vectors are empty.
 */
final class FlatBuffer {
    static final int LONGEST_STRING_BYTES = 4096;
    static final int MOST_ITEMS = 1 << 23;

    private final ByteBuffer data;
    private final Format format;
    private final Map<String, Plan> plans = new HashMap<>();
    private long items;

    private FlatBuffer(ByteBuffer data, Format format) {
        this.data = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        this.data.clear();
        this.format = format;
    }

    /**
     * Reads a whole file.
     *
     * @param data the file; read by absolute positions only.
     * @param root the name of the file's root table.
     * @throws ModelException if anything lies outside the file, is not aligned, or is not described.
     */
    static Map<String, Object> read(ByteBuffer data, Format format, String root)
            throws ModelException {
        FlatBuffer file = new FlatBuffer(data, format);
        return file.table(file.follow(0), root);
    }

    static ModelException malformed(String reason) {
        return new ModelException("it is damaged or cut off: " + reason);
    }

    /** A part of the file. */
    static final class Span {
        final int start;
        final int length;

        Span(int start, int length) {
            this.start = start;
            this.length = length;
        }
    }

    /** What a vtable says about the tables that share it. */
    private static final class Plan {
        final int tableSize;
        final List<Format.Field> fields = new ArrayList<>();
        final List<Integer> offsets = new ArrayList<>();

        Plan(int tableSize) {
            this.tableSize = tableSize;
        }
    }

    private Map<String, Object> table(long position, String kind) throws ModelException {
        count(1);
        long vtable = position - int32(position);
        String key = kind + vtable;
        Plan plan = plans.get(key);
        if (plan == null) {
            plan = plan(vtable, kind);
            plans.put(key, plan);
        }
        if (position + plan.tableSize > data.capacity()) {
            throw malformed("the " + kind + " at byte " + position + " ends behind the file");
        }
        Map<String, Object> values = new HashMap<>();
        for (Format.Field field : format.tables.get(kind)) {
            values.put(field.name, field.empty());
        }
        for (int index = 0; index < plan.fields.size(); index++) {
            Format.Field field = plan.fields.get(index);
            String where = "the " + field.name + " of the " + kind + " at byte " + position;
            long place = position + plan.offsets.get(index);
            values.put(field.name, value(field, place, values, where));
        }
        return values;
    }

    private Plan plan(long vtable, String kind) throws ModelException {
        int vtableSize = uint16(vtable);
        int tableSize = uint16(vtable + 2);
        if (vtableSize < 4 || vtableSize % 2 != 0 || vtable + vtableSize > data.capacity()
                || tableSize < 4) {
            throw malformed("the vtable at byte " + vtable + " is malformed");
        }
        Plan plan = new Plan(tableSize);
        List<Format.Field> known = format.tables.get(kind);
        int written = vtableSize / 2 - 2;
        for (int index = 0; index < Math.max(written, known.size()); index++) {
            int offset = index < written ? uint16(vtable + 4 + 2L * index) : 0;
            if (index >= known.size()) {
                if (offset != 0) {
                    throw malformed("a " + kind + " has fields that are newer than this program");
                }
                continue;
            }
            Format.Field field = known.get(index);
            if (offset == 0) {
                if (field.isNumber()) {
                    checkRange(field, field.byDefault, "the " + field.name + " of a " + kind);
                }
                continue;
            }
            if (field.type.equals("absent")) {
                throw malformed("a " + kind + " has " + field.name
                        + ", which stream models do not need");
            }
            if (offset < 4 || offset > tableSize - field.bytes()) {
                throw malformed("a " + kind + " has its " + field.name + " outside itself");
            }
            plan.fields.add(field);
            plan.offsets.add(offset);
        }
        return plan;
    }

    private Object value(
            Format.Field field, long place, Map<String, Object> values, String where)
            throws ModelException {
        switch (field.type) {
            case "bool":
                int truth = data.get(checked(place, 1)) & 0xff;
                if (truth > 1) {
                    throw malformed(where + " is " + truth + ", neither true nor false");
                }
                checkRange(field, truth, where);
                return truth == 1;
            case "float32":
                double number = data.getFloat(checked(place, 4));
                checkRange(field, number, where);
                return number;
            case "int8":
            case "uint8":
            case "int32":
            case "uint32":
            case "uint64":
                long whole = integer(field.type, place);
                checkRange(field, whole, where);
                return whole;
            case "string":
                return text(vector(field, place, 1, where), where);
            case "[uint8]":
                return vector(field, place, 1, where);
            case "[int32]":
                return ints(field, place, where);
            case "[int64]":
                return longs(field, place, where);
            case "[float32]":
                return floats(field, place, where);
            case "union":
                int type = ((Long) values.get(field.name + "_type")).intValue();
                String name = format.optionsNames.get(type);
                return name == null ? null : table(follow(place), name);
            default:
                return tables(field, place, where);
        }
    }

    private long integer(String type, long place) throws ModelException {
        switch (type) {
            case "int8":
                return data.get(checked(place, 1));
            case "uint8":
                return data.get(checked(place, 1)) & 0xff;
            case "int32":
                return int32(place);
            case "uint32":
                return int32(place) & 0xffffffffL;
            default:
                return data.getLong(checked(place, 8));
        }
    }

    private Object tables(Format.Field field, long place, String where) throws ModelException {
        if (!field.type.startsWith("[")) {
            return table(follow(place), field.type);
        }
        String kind = field.type.substring(1, field.type.length() - 1);
        Span span = vector(field, place, 4, where);
        count(span.length);
        List<Object> tables = new ArrayList<>(span.length);
        for (int index = 0; index < span.length; index++) {
            tables.add(table(follow(span.start + 4L * index), kind));
        }
        return tables;
    }

    private int[] ints(Format.Field field, long place, String where) throws ModelException {
        Span span = vector(field, place, 4, where);
        count(span.length);
        int[] numbers = new int[span.length];
        for (int index = 0; index < numbers.length; index++) {
            numbers[index] = data.getInt(span.start + 4 * index);
            checkRange(field, numbers[index], where);
        }
        return numbers;
    }

    private long[] longs(Format.Field field, long place, String where) throws ModelException {
        Span span = vector(field, place, 8, where);
        count(span.length);
        long[] numbers = new long[span.length];
        for (int index = 0; index < numbers.length; index++) {
            numbers[index] = data.getLong(span.start + 8 * index);
        }
        return numbers;
    }

    private float[] floats(Format.Field field, long place, String where) throws ModelException {
        Span span = vector(field, place, 4, where);
        count(span.length);
        float[] numbers = new float[span.length];
        for (int index = 0; index < numbers.length; index++) {
            numbers[index] = data.getFloat(span.start + 4 * index);
        }
        return numbers;
    }

    private String text(Span span, String where) throws ModelException {
        if (span.length > LONGEST_STRING_BYTES) {
            throw malformed(where + " has " + span.length + " bytes");
        }
        count(span.length);
        long end = (long) span.start + span.length;
        // Programs in C read on until a zero.
        if (end >= data.capacity() || data.get((int) end) != 0) {
            throw malformed(where + " does not end with a zero");
        }
        ByteBuffer part = data.duplicate();
        part.limit((int) end).position(span.start);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(part).toString();
        } catch (CharacterCodingException error) {
            throw malformed(where + " is not UTF-8");
        }
    }

    private Span vector(Format.Field field, long place, int itemBytes, String where)
            throws ModelException {
        long start = follow(place);
        long length = int32(start) & 0xffffffffL;
        if (start + 4 + length * itemBytes > data.capacity()) {
            throw malformed(where + " ends behind the file");
        }
        if ((start + 4) % itemBytes != 0) {
            throw malformed(where + " is not aligned");
        }
        if (length > field.longest) {
            throw malformed(
                    where + " has " + length + " entries, more than " + field.longest);
        }
        return new Span((int) start + 4, (int) length);
    }

    private static void checkRange(Format.Field field, double value, String where)
            throws ModelException {
        // Written so that a number that is none fails too.
        if (!(value >= field.lowest)) {
            throw malformed(where + " is " + Format.number(value) + ", less than "
                    + Format.number(field.lowest));
        }
        if (!(value <= field.highest)) {
            throw malformed(where + " is " + Format.number(value) + ", more than "
                    + Format.number(field.highest));
        }
    }

    private void count(long more) throws ModelException {
        items += more;
        if (items > MOST_ITEMS) {
            throw malformed("it holds more tables and numbers than any stream model");
        }
    }

    private long follow(long position) throws ModelException {
        long offset = int32(position) & 0xffffffffL;
        if (offset == 0 || position + offset + 4 > data.capacity()) {
            throw malformed("the offset at byte " + position + " leads outside the file");
        }
        return position + offset;
    }

    private int int32(long position) throws ModelException {
        return data.getInt(checked(position, 4));
    }

    private int uint16(long position) throws ModelException {
        return data.getShort(checked(position, 2)) & 0xffff;
    }

    private int checked(long position, int bytes) throws ModelException {
        if (position < 0 || position + bytes > data.capacity()) {
            throw malformed("byte " + position + " is outside the file");
        }
        if (position % bytes != 0) {
            throw malformed("the number at byte " + position + " is not aligned");
        }
        return (int) position;
    }
}
