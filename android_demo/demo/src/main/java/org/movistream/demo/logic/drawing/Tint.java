package org.movistream.demo.logic.drawing;

/** What a colour is for; {@link Palette} says which it is. */
public enum Tint {
    BACKGROUND,
    TEXT,
    /** For what is said by the way. */
    FAINT_TEXT,
    BAR,
    BAR_BACKGROUND,
    MEMORY,
    GRID
}
