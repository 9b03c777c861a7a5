package org.movistream.demo.logic.watching;

/** A model that cannot be loaded. */
public final class LoadException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient Note note;

    public LoadException(Note note, Throwable cause) {
        super(note.toString(), cause);
        this.note = note;
    }

    /** Why, for the screen. */
    public Note note() {
        return note;
    }
}
