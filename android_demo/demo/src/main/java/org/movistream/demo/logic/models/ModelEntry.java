package org.movistream.demo.logic.models;

/** A model to choose; a value that never changes. */
public final class ModelEntry {
    private final String id;
    private final String title;
    private final boolean builtIn;

    ModelEntry(String id, String title, boolean builtIn) {
        this.id = id;
        this.title = title;
        this.builtIn = builtIn;
    }

    /** What settings keep; stays the same for as long as the model is there. */
    public String id() {
        return id;
    }

    /** For people: the file's name without its ending. */
    public String title() {
        return title;
    }

    /** Whether it came with the app, and so cannot be removed. */
    public boolean isBuiltIn() {
        return builtIn;
    }

    @Override
    public String toString() {
        return id;
    }
}
