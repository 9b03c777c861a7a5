package org.movistream.core;

import java.util.LinkedHashMap;
import java.util.Map;

/** Something that is seen for a while: that it has begun, or that it is over. */
public final class Event {
    /** In place of the wall clock's time of what was recorded before. */
    public static final long RECORDED = Long.MIN_VALUE;

    /** Of the words of results (docs/results.md). */
    public static final int VOCABULARY_VERSION = 1;

    static final int TIME_DIGITS = 4;
    static final int SCORE_DIGITS = 6;

    /** Whether it goes on. */
    public enum Phase {
        BEGIN("begin"),
        END("end");

        private final String text;

        Phase(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** Begins once it has lasted as long as the shortest that is reported. */
    public final Phase phase;
    /** Of its class. */
    public final String label;
    /** Of its class. */
    public final int index;
    /** Time of the first frame that had at least the entering score, since the stream's start. */
    public final double startS;
    /**
     * Time of the first frame that had less than the leaving score, or of the last frame that it
     * was seen in; while it goes on, of the newest frame.
     */
    public final double endS;
    /** Its highest score so far. */
    public final float peakScore;
    /** When the frame of {@link #startS} was captured: ms since 1970, or {@link #RECORDED}. */
    public final long startedAtMs;
    /** The same for {@link #endS}. */
    public final long endedAtMs;

    Event(Phase phase, String label, int index, double startS, double endS, float peakScore,
            long startedAtMs, long endedAtMs) {
        this.phase = phase;
        this.label = label;
        this.index = index;
        this.startS = startS;
        this.endS = endS;
        this.peakScore = peakScore;
        this.startedAtMs = startedAtMs;
        this.endedAtMs = endedAtMs;
    }

    /**
     * An event that is over, for tests and for who keeps events.
     *
     * @param startedAtMs on the wall clock, in ms since 1970, or {@link #RECORDED}; and so is
     *     {@code endedAtMs}.
     */
    public static Event over(String label, int index, double startS, double endS,
            float peakScore, long startedAtMs, long endedAtMs) {
        return new Event(Phase.END, label, index, startS, endS, peakScore, startedAtMs,
                endedAtMs);
    }

    /** Whether it was captured by a camera, so that the wall clock's times are known. */
    public boolean isLive() {
        return startedAtMs != RECORDED && endedAtMs != RECORDED;
    }

    /**
     * Its fields for {@link JsonWriter}, by Python's names (docs/results.md): times rounded to 4
     * digits, the score to 6; moments in UTC, where they are known.
     */
    public Map<String, Object> asMap() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("phase", phase.toString());
        fields.put("index", index);
        fields.put("label", label);
        fields.put("start_s", Numbers.rounded(startS, TIME_DIGITS));
        fields.put("end_s", Numbers.rounded(endS, TIME_DIGITS));
        fields.put("peak_score", Numbers.rounded(peakScore, SCORE_DIGITS));
        if (isLive()) {
            fields.put("started_at", Numbers.utc(startedAtMs));
            fields.put("ended_at", Numbers.utc(endedAtMs));
        }
        return fields;
    }
}
