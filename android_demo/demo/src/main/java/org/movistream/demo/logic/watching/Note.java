package org.movistream.demo.logic.watching;

/** Something to tell a person, before it has words; a value that never changes. */
public final class Note {
    private final NoteKind kind;
    private final String detail;
    private final double number;

    private Note(NoteKind kind, String detail, double number) {
        this.kind = kind;
        this.detail = detail == null ? "" : detail;
        this.number = number;
    }

    public static Note of(NoteKind kind) {
        return new Note(kind, "", 0);
    }

    /** @param detail null for none, as of errors without a message. */
    public static Note of(NoteKind kind, String detail) {
        return new Note(kind, detail, 0);
    }

    public static Note of(NoteKind kind, double number) {
        return new Note(kind, "", number);
    }

    public NoteKind kind() {
        return kind;
    }

    /** Never null. */
    public String detail() {
        return detail;
    }

    public double number() {
        return number;
    }

    @Override
    public String toString() {
        return kind + (detail.isEmpty() ? "" : " " + detail);
    }
}
