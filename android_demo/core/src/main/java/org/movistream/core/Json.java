package org.movistream.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads JSON, all of RFC 8259 and nothing else.
 *
 * <p>Values become {@code Map<String, Object>} (in the order of the text; of two equal names the
 * last counts), {@code List<Object>}, String, Long or Double, Boolean, and null.
 */
public final class Json {
    private static final int DEEPEST = 100;
    /** Of all digits that Unicode has, those of JSON. */
    private static final String HEXADECIMAL = "0123456789abcdefABCDEF";

    private final String text;
    private int position;
    private int depth;

    private Json(String text) {
        this.text = text;
    }

    /** @throws ModelException if the text is not one JSON value. */
    public static @Nullable Object parse(String text) throws ModelException {
        Json json = new Json(text);
        Object value = json.value();
        json.skipSpace();
        if (json.position != text.length()) {
            throw json.error("more text behind the value");
        }
        return value;
    }

    private Object value() throws ModelException {
        skipSpace();
        char next = peek();
        switch (next) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object() throws ModelException {
        Map<String, Object> members = new LinkedHashMap<>();
        enter();
        if (closes('}')) {
            return members;
        }
        do {
            skipSpace();
            if (peek() != '"') {
                throw error("a name is missing");
            }
            String name = string();
            skipSpace();
            expect(':');
            members.put(name, value());
        } while (continues('}'));
        return members;
    }

    private List<Object> array() throws ModelException {
        List<Object> elements = new ArrayList<>();
        enter();
        if (closes(']')) {
            return elements;
        }
        do {
            elements.add(value());
        } while (continues(']'));
        return elements;
    }

    private void enter() throws ModelException {
        position++;
        if (++depth > DEEPEST) {
            throw error("it is nested too deeply");
        }
    }

    private boolean closes(char end) throws ModelException {
        skipSpace();
        if (peek() != end) {
            return false;
        }
        position++;
        depth--;
        return true;
    }

    private boolean continues(char end) throws ModelException {
        if (closes(end)) {
            return false;
        }
        expect(',');
        return true;
    }

    private String string() throws ModelException {
        StringBuilder characters = new StringBuilder();
        position++;
        while (true) {
            char next = peek();
            position++;
            if (next == '"') {
                return characters.toString();
            } else if (next == '\\') {
                appendEscaped(characters);
            } else if (next < ' ') {
                throw error("a control character in a string");
            } else {
                characters.append(next);
            }
        }
    }

    private void appendEscaped(StringBuilder characters) throws ModelException {
        char first = escaped();
        characters.append(first);
        if (Character.isHighSurrogate(first)) {
            boolean goesOn = text.startsWith("\\u", position);
            position++;
            char second = goesOn ? escaped() : ' ';
            if (!Character.isLowSurrogate(second)) {
                throw error("half of a character");
            }
            characters.append(second);
        } else if (Character.isLowSurrogate(first)) {
            throw error("half of a character");
        }
    }

    private char escaped() throws ModelException {
        char letter = peek();
        position++;
        int plain = "\"\\/bfnrt".indexOf(letter);
        if (plain >= 0) {
            return "\"\\/\b\f\n\r\t".charAt(plain);
        }
        if (letter != 'u' || position + 4 > text.length()) {
            throw error("an unknown escape");
        }
        int code = 0;
        for (int digit = 0; digit < 4; digit++) {
            int worth = HEXADECIMAL.indexOf(text.charAt(position++));
            if (worth < 0) {
                throw error("an unknown escape");
            }
            // Behind the ten digits come the letters, in both cases.
            code = code * 16 + (worth < 16 ? worth : worth - 6);
        }
        return (char) code;
    }

    private Object number() throws ModelException {
        int start = position;
        skip('-');
        if (!skip('0')) {
            digits();
        }
        boolean whole = true;
        if (skip('.')) {
            digits();
            whole = false;
        }
        if (skip('e') || skip('E')) {
            if (!skip('+')) {
                skip('-');
            }
            digits();
            whole = false;
        }
        String digits = text.substring(start, position);
        // A whole number of up to 18 digits fits into a long; no field takes more.
        if (whole && digits.length() <= 18) {
            return Long.valueOf(digits);
        }
        Double value = Double.valueOf(digits);
        if (value.isInfinite()) {
            throw error("a number that is too large");
        }
        return value;
    }

    private void digits() throws ModelException {
        int start = position;
        while (position < text.length() && text.charAt(position) >= '0'
                && text.charAt(position) <= '9') {
            position++;
        }
        if (position == start) {
            throw error("no value");
        }
    }

    private boolean skip(char expected) {
        if (position < text.length() && text.charAt(position) == expected) {
            position++;
            return true;
        }
        return false;
    }

    private Object word(String word, Object value) throws ModelException {
        if (!text.startsWith(word, position)) {
            throw error("no value");
        }
        position += word.length();
        return value;
    }

    private void expect(char expected) throws ModelException {
        if (!skip(expected)) {
            throw error("'" + expected + "' is missing");
        }
    }

    private void skipSpace() {
        while (position < text.length() && " \t\n\r".indexOf(text.charAt(position)) >= 0) {
            position++;
        }
    }

    private char peek() throws ModelException {
        if (position >= text.length()) {
            throw error("it ends too early");
        }
        return text.charAt(position);
    }

    private ModelException error(String reason) {
        return new ModelException("no JSON at character " + position + ": " + reason);
    }
}
