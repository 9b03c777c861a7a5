package org.movistream.demo.logic.models;

import java.io.IOException;
import java.io.InputStream;

/** Something that another app offers; all its answers may be wrong, and every call may throw. */
public interface Document {
    /** What the other app calls it; null if it does not say. */
    String name();

    /** How long it says to be, in bytes; -1 if it does not say. */
    long bytes();

    /** Its contents; null if they are not to be had. */
    InputStream open() throws IOException;
}
