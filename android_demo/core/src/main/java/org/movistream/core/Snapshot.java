package org.movistream.core;

/** A stream's memory at one moment; a copy that later steps do not change. */
public final class Snapshot {
    final String digest;
    final int framesSeen;
    /** By place of the input. */
    final Object[] tensors;

    Snapshot(String digest, int framesSeen, Object[] tensors) {
        this.digest = digest;
        this.framesSeen = framesSeen;
        this.tensors = tensors;
    }

    /** Frames since the reset. */
    public int framesSeen() {
        return framesSeen;
    }
}
