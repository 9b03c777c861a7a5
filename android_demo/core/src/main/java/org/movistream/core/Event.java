package org.movistream.core;

/** Something that was seen for a while. */
public final class Event {
    /** Of its class. */
    public final String label;
    /** Of its class. */
    public final int index;
    /** Time of the first frame that had at least the entering score. */
    public final double startS;
    /** Time of the first frame that had less than the leaving score, or of the last frame. */
    public final double endS;
    /** Its highest score. */
    public final float peakScore;

    Event(String label, int index, double startS, double endS, float peakScore) {
        this.label = label;
        this.index = index;
        this.startS = startS;
        this.endS = endS;
        this.peakScore = peakScore;
    }
}
