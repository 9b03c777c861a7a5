package org.movistream.demo.logic.models;

/** Names for files that others have named. */
final class ModelName {
    static final String ENDING = ".tflite";
    private static final String FALLBACK = "model";
    private static final String LEAVE_OUT = "\"*:<>?|\\";
    /** Linux takes 255 bytes; four of UTF-8 for each character and room for a number. */
    private static final int MOST_CHARACTERS = 48;

    private ModelName() {}

    /**
     * A file's name that leads nowhere, hides nothing and ends with .tflite.
     *
     * @param given what another app says; null for nothing.
     */
    static String safe(String given) {
        String last = given == null ? "" : given.substring(
                Math.max(given.lastIndexOf('/'), given.lastIndexOf('\\')) + 1);
        StringBuilder kept = new StringBuilder();
        int characters = 0;
        for (int index = 0; index < last.length() && characters < 4 * MOST_CHARACTERS; ) {
            int character = last.codePointAt(index);
            index += Character.charCount(character);
            if (isHarmless(character)) {
                kept.appendCodePoint(character);
                characters++;
            }
        }
        String stem = kept.toString();
        while (stem.toLowerCase(java.util.Locale.ROOT).endsWith(ENDING)) {
            stem = stem.substring(0, stem.length() - ENDING.length());
        }
        // A leading dot would hide it, or mean a folder.
        while (stem.startsWith(".") || stem.startsWith(" ")) {
            stem = stem.substring(1);
        }
        if (stem.codePointCount(0, stem.length()) > MOST_CHARACTERS) {
            stem = stem.substring(0, stem.offsetByCodePoints(0, MOST_CHARACTERS));
        }
        stem = stem.trim();
        return (stem.isEmpty() ? FALLBACK : stem) + ENDING;
    }

    /** Another name for a file whose first is taken: "name (2).tflite". */
    static String numbered(String safe, int number) {
        return number < 2 ? safe : title(safe) + " (" + number + ")" + ENDING;
    }

    /** Without the ending. */
    static String title(String name) {
        return name.endsWith(ENDING) ? name.substring(0, name.length() - ENDING.length()) : name;
    }

    private static boolean isHarmless(int character) {
        switch (Character.getType(character)) {
            case Character.CONTROL:
            case Character.FORMAT: // Turns the direction of writing round, or cannot be seen.
            case Character.LINE_SEPARATOR:
            case Character.PARAGRAPH_SEPARATOR:
            case Character.SURROGATE:
            case Character.PRIVATE_USE:
            case Character.UNASSIGNED:
                return false;
            default:
                return LEAVE_OUT.indexOf(character) < 0;
        }
    }
}
