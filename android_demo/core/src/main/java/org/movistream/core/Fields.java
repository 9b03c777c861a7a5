package org.movistream.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The fields of one JSON object: each is taken once, and none may be left over. */
final class Fields {
    static final double MODERATE = 1e6;
    static final int LONGEST_TEXT = 1000;
    static final int MOST_SIZES = 6;

    private final Map<String, Object> members;
    private final String where;
    private final Set<String> taken = new HashSet<>();

    /** @param where the object's place, for messages. */
    Fields(Object value, String where) throws ModelException {
        this.where = where;
        members = map(value, where);
    }

    @SuppressWarnings("unchecked") // Json makes maps with text keys only.
    private static Map<String, Object> map(Object value, String where) throws ModelException {
        if (!(value instanceof Map)) {
            throw unusable(where + " is no object");
        }
        return (Map<String, Object>) value;
    }

    static ModelException unusable(String reason) {
        return new ModelException("the file's manifest cannot be used: " + reason
                + ". It may be damaged, or written by a newer version of movistream");
    }

    /** Refuses fields that nothing has asked for. */
    void end() throws ModelException {
        for (String name : members.keySet()) {
            if (!taken.contains(name)) {
                throw unusable(where + " has the unknown field '" + name + "'");
            }
        }
    }

    boolean has(String name) {
        return members.containsKey(name);
    }

    /** Whether the field is there and not null; for those that may be null. */
    boolean isGiven(String name) {
        taken.add(name);
        return members.get(name) != null;
    }

    Object value(String name) throws ModelException {
        taken.add(name);
        if (!members.containsKey(name)) {
            throw unusable(where + " lacks '" + name + "'");
        }
        return members.get(name);
    }

    List<?> list(String name) throws ModelException {
        Object value = value(name);
        if (!(value instanceof List)) {
            throw wrong(name, "a list");
        }
        return (List<?>) value;
    }

    Map<String, Object> map(String name) throws ModelException {
        return map(value(name), where + "." + name);
    }

    /** Text of at most 1000 characters. */
    String text(String name) throws ModelException {
        return text(value(name), name);
    }

    private String text(Object value, String name) throws ModelException {
        if (value instanceof String) {
            String text = (String) value;
            if (text.codePointCount(0, text.length()) <= LONGEST_TEXT) {
                return text;
            }
        }
        throw wrong(name, "text of at most " + LONGEST_TEXT + " characters");
    }

    /** Text that is not empty. */
    String name(String name) throws ModelException {
        return notEmpty(text(name), name);
    }

    private String notEmpty(String text, String name) throws ModelException {
        if (text.isEmpty()) {
            throw wrong(name, "text of 1 character or more");
        }
        return text;
    }

    List<String> names(String name) throws ModelException {
        List<String> names = new ArrayList<>();
        for (String text : texts(name)) {
            names.add(notEmpty(text, name));
        }
        return names;
    }

    List<String> texts(String name) throws ModelException {
        List<String> texts = new ArrayList<>();
        for (Object value : list(name)) {
            texts.add(text(value, name));
        }
        return texts;
    }

    /** The value of those whose text the field holds. */
    <E extends Enum<E>> E oneOf(String name, E[] values) throws ModelException {
        String[] words = new String[values.length];
        for (int index = 0; index < words.length; index++) {
            words[index] = values[index].toString();
        }
        return values[Arrays.asList(words).indexOf(oneOf(name, words))];
    }

    String oneOf(String name, String... words) throws ModelException {
        Object value = value(name);
        if (!(value instanceof String) || !Arrays.asList(words).contains(value)) {
            throw wrong(name, "one of " + Arrays.asList(words));
        }
        return (String) value;
    }

    long whole(String name, long least, long most) throws ModelException {
        return whole(value(name), name, least, most);
    }

    private long whole(Object value, String name, long least, long most) throws ModelException {
        if (value instanceof Long || (value instanceof Double && isWhole((Double) value))) {
            long number = ((Number) value).longValue();
            if (number >= least && number <= most) {
                return number;
            }
        }
        throw wrong(name, "a whole number from " + least + " to " + most);
    }

    private static boolean isWhole(double value) {
        return value == (long) value;
    }

    int[] shape(String name) throws ModelException {
        List<?> sizes = list(name);
        if (sizes.size() > MOST_SIZES) {
            throw wrong(name, "a shape of at most " + MOST_SIZES + " sizes");
        }
        int[] shape = new int[sizes.size()];
        for (int axis = 0; axis < shape.length; axis++) {
            shape[axis] = (int) whole(sizes.get(axis), name, 1, Integer.MAX_VALUE);
        }
        return shape;
    }

    /** A number from -1e6 to 1e6. */
    double moderate(String name) throws ModelException {
        return number(value(name), name, -MODERATE, MODERATE);
    }

    /** Two numbers from -1e6 to 1e6. */
    double[] moderatePair(String name) throws ModelException {
        List<?> pair = list(name);
        if (pair.size() != 2) {
            throw wrong(name, "two numbers");
        }
        return new double[] {
            number(pair.get(0), name, -MODERATE, MODERATE),
            number(pair.get(1), name, -MODERATE, MODERATE),
        };
    }

    /** One number or more, each within limits. */
    double[] numbers(String name, double least, double most) throws ModelException {
        List<?> values = list(name);
        if (values.isEmpty()) {
            throw wrong(name, "a list of numbers");
        }
        double[] numbers = new double[values.size()];
        for (int index = 0; index < numbers.length; index++) {
            numbers[index] = number(values.get(index), name, least, most);
        }
        return numbers;
    }

    double number(String name, double least, double most) throws ModelException {
        return number(value(name), name, least, most);
    }

    private double number(Object value, String name, double least, double most)
            throws ModelException {
        if (value instanceof Number) {
            double number = ((Number) value).doubleValue();
            if (number >= least && number <= most) {
                return number;
            }
        }
        throw wrong(name, "a number from " + least + " to " + most);
    }

    private ModelException wrong(String name, String wanted) {
        return unusable(where + "." + name + " is not " + wanted);
    }
}
