package org.movistream.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads FlatBuffers without trusting them: every offset is checked before it is followed.
 *
 * <p>Engines' own readers do not check, and crash on a damaged file. Positions are long so that
 * no sum of two of them can wrap around.
 */
final class FlatBuffer {
    private static final int MOST_TABLES = 50_000;

    private final ByteBuffer data;

    /** @param data a whole file; read by absolute positions only. */
    FlatBuffer(ByteBuffer data) {
        this.data = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        this.data.clear();
    }

    Table root() throws ModelException {
        return new Table(follow(0));
    }

    int size() {
        return data.capacity();
    }

    private int int32(long position) throws ModelException {
        return data.getInt(checked(position, 4));
    }

    private int uint16(long position) throws ModelException {
        return data.getShort(checked(position, 2)) & 0xffff;
    }

    private long follow(long position) throws ModelException {
        long target = position + (int32(position) & 0xffffffffL);
        if (target + 4 > size()) {
            throw malformed("the offset at byte " + position + " leads outside the file");
        }
        return target;
    }

    private int checked(long position, int bytes) throws ModelException {
        if (position < 0 || position + bytes > size()) {
            throw malformed("byte " + position + " is outside the file");
        }
        return (int) position;
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

    /** One table; a field is named by its index in the schema. */
    final class Table {
        private final long position;
        private final long vtable;
        private final int fieldCount;

        private Table(long position) throws ModelException {
            this.position = position;
            vtable = position - FlatBuffer.this.int32(position);
            int vtableSize = uint16(vtable);
            int tableSize = uint16(vtable + 2);
            if (vtableSize < 4 || vtableSize % 2 != 0 || vtable + vtableSize > size()
                    || position + tableSize > size()) {
                throw malformed("the table at byte " + position + " is malformed");
            }
            fieldCount = vtableSize / 2 - 2;
            for (int field = 0; field < fieldCount; field++) {
                int offset = uint16(vtable + 4 + 2L * field);
                if (offset != 0 && (offset < 4 || offset >= tableSize)) {
                    throw malformed("the table at byte " + position + " has fields outside itself");
                }
            }
        }

        boolean has(int field) throws ModelException {
            return place(field) != 0;
        }

        int int8(int field) throws ModelException {
            long place = place(field);
            return place == 0 ? 0 : data.get(checked(place, 1));
        }

        int int32(int field, int absent) throws ModelException {
            long place = place(field);
            return place == 0 ? absent : FlatBuffer.this.int32(place);
        }

        long int64(int field) throws ModelException {
            long place = place(field);
            return place == 0 ? 0 : data.getLong(checked(place, 8));
        }

        /** A table, or null. */
        Table table(int field) throws ModelException {
            long place = place(field);
            return place == 0 ? null : new Table(follow(place));
        }

        /** A vector of tables; empty if absent. */
        List<Table> tables(int field) throws ModelException {
            Span span = vector(field, 4);
            int count = span.length;
            if (count > MOST_TABLES) {
                throw malformed("the vector at byte " + span.start + " lists " + count + " tables");
            }
            List<Table> tables = new ArrayList<>(count);
            for (int index = 0; index < count; index++) {
                tables.add(new Table(follow(span.start + 4L * index)));
            }
            return tables;
        }

        /** A vector of 32-bit integers; empty if absent. */
        int[] ints(int field) throws ModelException {
            Span span = vector(field, 4);
            int[] numbers = new int[span.length];
            for (int index = 0; index < numbers.length; index++) {
                numbers[index] = data.getInt(span.start + 4 * index);
            }
            return numbers;
        }

        /** A vector of floats; empty if absent. */
        float[] floats(int field) throws ModelException {
            Span span = vector(field, 4);
            float[] numbers = new float[span.length];
            for (int index = 0; index < numbers.length; index++) {
                numbers[index] = data.getFloat(span.start + 4 * index);
            }
            return numbers;
        }

        /** A vector of 64-bit integers; empty if absent. */
        long[] longs(int field) throws ModelException {
            Span span = vector(field, 8);
            long[] numbers = new long[span.length];
            for (int index = 0; index < numbers.length; index++) {
                numbers[index] = data.getLong(span.start + 8 * index);
            }
            return numbers;
        }

        /** Where a vector of bytes lies in the file; of length 0 if absent. */
        Span bytes(int field) throws ModelException {
            return vector(field, 1);
        }

        /** A string; empty if absent. */
        String text(int field) throws ModelException {
            return FlatBuffer.this.text(vector(field, 1));
        }

        private long place(int field) throws ModelException {
            int offset = field < fieldCount ? uint16(vtable + 4 + 2L * field) : 0;
            return offset == 0 ? 0 : position + offset;
        }

        private Span vector(int field, int itemBytes) throws ModelException {
            long place = place(field);
            if (place == 0) {
                return new Span(0, 0);
            }
            long start = follow(place);
            long count = FlatBuffer.this.int32(start) & 0xffffffffL;
            if (start + 4 + count * itemBytes > size()) {
                throw malformed("the vector at byte " + start + " ends behind the file");
            }
            return new Span((int) start + 4, (int) count);
        }
    }

    /** UTF-8 text of a part of the file. */
    String text(Span span) throws ModelException {
        ByteBuffer part = data.duplicate();
        part.limit(span.start + span.length).position(span.start);
        try {
            CharBuffer characters = StandardCharsets.UTF_8.newDecoder().decode(part);
            return characters.toString();
        } catch (CharacterCodingException error) {
            throw malformed("the string at byte " + span.start + " is not UTF-8");
        }
    }
}
