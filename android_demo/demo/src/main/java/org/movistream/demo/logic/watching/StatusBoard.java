package org.movistream.demo.logic.watching;

import java.util.EnumMap;

/**
 * What the status line shows: notes that hold until they are taken back, one for each topic, and
 * one that is shown briefly before them and leaves them as they are. For one thread.
 */
public final class StatusBoard {
    /** The first that has something to say is shown. */
    public enum Topic { COPY, MODEL, CAMERA }

    /** Long enough to be read twice. */
    public static final long BRIEF_MS = 8_000;

    private final EnumMap<Topic, Note> lasting = new EnumMap<>(Topic.class);
    private Note brief;
    private long briefUntilMs;

    /** @param note null takes back what was said. */
    public void set(Topic topic, Note note) {
        if (note == null) {
            lasting.remove(topic);
        } else {
            lasting.put(topic, note);
        }
    }

    /** @param nowMs on a clock that does not jump. */
    public void tellBriefly(Note note, long nowMs) {
        brief = note;
        briefUntilMs = nowMs + BRIEF_MS;
    }

    /** The note to show; null if all is as it should be. */
    public Note shown(long nowMs) {
        if (brief != null && nowMs < briefUntilMs && briefUntilMs - nowMs <= BRIEF_MS) {
            return brief;
        }
        brief = null;
        for (Topic topic : Topic.values()) {
            Note note = lasting.get(topic);
            if (note != null) {
                return note;
            }
        }
        return null;
    }
}
