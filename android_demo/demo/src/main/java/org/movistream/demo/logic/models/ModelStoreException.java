package org.movistream.demo.logic.models;

/** A model that could not be had. */
public final class ModelStoreException extends Exception {
    private static final long serialVersionUID = 1;

    private final ModelTrouble trouble;
    private final String detail;

    /** @param detail such as the checker's message, for after the words; null for none. */
    ModelStoreException(ModelTrouble trouble, String detail, Throwable cause) {
        super(trouble + (detail == null ? "" : ": " + detail), cause);
        this.trouble = trouble;
        this.detail = detail == null ? "" : detail;
    }

    public ModelTrouble trouble() {
        return trouble;
    }

    /** Never null; mostly empty. */
    public String detail() {
        return detail;
    }
}
