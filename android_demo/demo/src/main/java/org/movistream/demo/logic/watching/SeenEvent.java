package org.movistream.demo.logic.watching;

/** Something that was seen for a while and is over; a value that never changes. */
public final class SeenEvent {
    private final int index;
    private final String label;
    private final double startS;
    private final double endS;
    private final float peakScore;
    private final long startedAtMs;

    /**
     * Describes an event.
     *
     * @param index of its class.
     * @param startS since the stream's start, in seconds; {@code endS} likewise.
     * @param startedAtMs the wall clock at its start, in ms since 1970.
     */
    public SeenEvent(int index, String label, double startS, double endS, float peakScore,
            long startedAtMs) {
        this.index = index;
        this.label = label;
        this.startS = startS;
        this.endS = endS;
        this.peakScore = peakScore;
        this.startedAtMs = startedAtMs;
    }

    public int index() {
        return index;
    }

    public String label() {
        return label;
    }

    public double startS() {
        return startS;
    }

    public double endS() {
        return endS;
    }

    /** In [0, 1]. */
    public float peakScore() {
        return peakScore;
    }

    public long startedAtMs() {
        return startedAtMs;
    }

    public long endedAtMs() {
        return startedAtMs + Math.round((endS - startS) * 1e3);
    }
}
