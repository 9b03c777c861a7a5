package org.movistream.core;

import java.util.List;

/** Events as a table that a spreadsheet opens; the columns are those of Python's server. */
public final class EventTable {
    static final String COLUMNS =
            "feed,phase,index,label,start_s,end_s,peak_score,started_at,ended_at";
    private static final int TIME_DIGITS = 3;
    private static final int SCORE_DIGITS = 4;
    static final String FORMULA_STARTS = "=+-@\t\r";
    private static final String LINE_END = "\r\n";

    private EventTable() {}

    /**
     * Events as CSV, a row each. Moments of what was recorded are empty; a text that a spreadsheet
     * would calculate has a ' before it.
     *
     * @param feed the name of what was watched.
     */
    public static String csv(String feed, List<Event> events) {
        StringBuilder table = new StringBuilder(COLUMNS).append(LINE_END);
        for (Event event : events) {
            table.append(cell(feed)).append(',').append(event.phase).append(',')
                    .append(event.index).append(',').append(cell(event.label)).append(',')
                    .append(Numbers.rounded(event.startS, TIME_DIGITS)).append(',')
                    .append(Numbers.rounded(event.endS, TIME_DIGITS)).append(',')
                    .append(Numbers.rounded(event.peakScore, SCORE_DIGITS)).append(',');
            if (event.isLive()) {
                table.append(Numbers.utc(event.startedAtMs)).append(',')
                        .append(Numbers.utc(event.endedAtMs));
            } else {
                table.append(',');
            }
            table.append(LINE_END);
        }
        return table.toString();
    }

    private static String cell(String text) {
        boolean calculates = !text.isEmpty() && FORMULA_STARTS.indexOf(text.charAt(0)) >= 0;
        String shown = calculates ? "'" + text : text;
        boolean quoted = false;
        for (int index = 0; index < shown.length(); index++) {
            quoted |= ",\"\r\n".indexOf(shown.charAt(index)) >= 0;
        }
        return quoted ? '"' + shown.replace("\"", "\"\"") + '"' : shown;
    }
}
