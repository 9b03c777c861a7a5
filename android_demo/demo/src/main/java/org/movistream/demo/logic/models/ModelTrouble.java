package org.movistream.demo.logic.models;

/** Why a model could not be had; the screen has words for each. */
public enum ModelTrouble {
    /** The file, or the app that offers it, does not let itself be read. */
    UNREADABLE,
    EMPTY,
    /** Larger than any stream model. */
    TOO_LARGE,
    NO_SPACE,
    /** This app's own folder does not let itself be written. */
    UNWRITABLE,
    /** It was read, and is damaged or no stream model; the detail says what is wrong. */
    REFUSED,
    CANCELLED,
    /** It is not among the models any more. */
    GONE
}
