package org.movistream.core;

import java.util.Locale;

/** Why a stream forgot everything. */
public enum ResetReason {
    SCENE_CUT("scene cut"),
    GAP("gap"),
    INTERVAL("interval"),
    ASKED_FOR("asked for");

    private final String text;

    ResetReason(String text) {
        this.text = text;
    }

    /**
     * A notice for people, and for results.
     *
     * @param gapS since the frame before, in seconds.
     */
    public String notice(double gapS) {
        String said = this == GAP
                ? String.format(Locale.ROOT, "no frame for %.1f s", gapS) : text;
        return said + "; state reset";
    }

    /** As Python calls it. */
    @Override
    public String toString() {
        return text;
    }
}
