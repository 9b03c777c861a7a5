package org.movistream.demo.logic.drawing;

/**
 * Decides when what is seen is told to a person who listens: when it has changed, and not again
 * before the last was said to its end.
 */
public final class Announcer {
    static final long LEAST_MS = 2_000;

    private String told = "";
    private long toldAtMs = Long.MIN_VALUE / 2;

    /**
     * Whether to tell it now.
     *
     * @param subject what it is about, such as a label without its score; empty for nothing, after
     *     which the same is told anew.
     * @param nowMs on a clock that does not jump.
     */
    public boolean isDue(String subject, long nowMs) {
        if (subject.isEmpty()) {
            told = "";
        }
        if (subject.equals(told) || nowMs - toldAtMs < LEAST_MS) {
            return false;
        }
        told = subject;
        toldAtMs = nowMs;
        return true;
    }
}
