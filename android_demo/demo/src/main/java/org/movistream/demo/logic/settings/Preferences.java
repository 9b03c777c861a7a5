package org.movistream.demo.logic.settings;

/** Texts by name that outlive the process. */
public interface Preferences {
    /** Null if there is none; a value of another kind may throw ClassCastException. */
    String get(String name);

    void put(String name, String value);
}
