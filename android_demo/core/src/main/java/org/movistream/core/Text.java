package org.movistream.core;

/** What may be shown. */
final class Text {
    private Text() {}

    /** Such as ['one', 'two']. */
    static String quoted(Iterable<String> texts) {
        StringBuilder list = new StringBuilder("[");
        for (String text : texts) {
            list.append(list.length() > 1 ? ", '" : "'").append(text).append('\'');
        }
        return list.append(']').toString();
    }

    /**
     * Whether showing a text could do more than show what it says: break the line, move the
     * cursor, ring, turn the direction of writing round, or hide something.
     */
    static boolean hasControlCharacters(String text) {
        for (int index = 0; index < text.length(); ) {
            int character = text.codePointAt(index);
            int category = Character.getType(character);
            if (category == Character.CONTROL
                    || category == Character.FORMAT
                    || category == Character.LINE_SEPARATOR
                    || category == Character.PARAGRAPH_SEPARATOR) {
                return true;
            }
            index += Character.charCount(character);
        }
        return false;
    }
}
