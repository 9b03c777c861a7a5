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

    /** Whether showing a text could do more than show: break the line, move the cursor, ring. */
    static boolean hasControlCharacters(String text) {
        for (int index = 0; index < text.length(); index++) {
            if (Character.isISOControl(text.charAt(index))) {
                return true;
            }
        }
        return false;
    }
}
