package org.movistream.demo.logic.watching;

import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import org.movistream.core.JsonWriter;

/** Events as files for others, with the names and columns that Python gives them. */
public final class EventExport {
    private static final String COLUMNS =
            "feed,phase,index,label,start_s,end_s,peak_score,started_at,ended_at";
    private static final String LINE_END = "\r\n";
    private static final String FORMULA_STARTS = "=+-@\t\r";

    private EventExport() {}

    /**
     * A table that a spreadsheet opens, a row each; a text that it would calculate has a ' before
     * it.
     *
     * @param feed what was watched.
     */
    public static String csv(String feed, List<SeenEvent> events) {
        StringBuilder table = new StringBuilder(COLUMNS).append(LINE_END);
        for (SeenEvent event : events) {
            table.append(cell(feed)).append(",end,").append(event.index()).append(',')
                    .append(cell(event.label())).append(',')
                    .append(rounded(event.startS(), 4)).append(',')
                    .append(rounded(event.endS(), 4)).append(',')
                    .append(rounded(event.peakScore(), 6)).append(',')
                    .append(utc(event.startedAtMs())).append(',')
                    .append(utc(event.endedAtMs())).append(LINE_END);
        }
        return table.toString();
    }

    /** A line of JSON for each, as {@code movistream run --json} prints them. */
    public static String jsonLines(String source, List<SeenEvent> events) {
        StringBuilder lines = new StringBuilder();
        for (SeenEvent event : events) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("version", 1);
            fields.put("type", "event");
            fields.put("source", source);
            fields.put("phase", "end");
            fields.put("index", event.index());
            fields.put("label", event.label());
            fields.put("start_s", rounded(event.startS(), 4));
            fields.put("end_s", rounded(event.endS(), 4));
            fields.put("peak_score", rounded(event.peakScore(), 6));
            fields.put("started_at", utc(event.startedAtMs()));
            fields.put("ended_at", utc(event.endedAtMs()));
            lines.append(JsonWriter.write(fields)).append('\n');
        }
        return lines.toString();
    }

    /** Oldest first, as they are listed newest first. */
    public static List<SeenEvent> oldestFirst(List<SeenEvent> newestFirst) {
        List<SeenEvent> turned = new ArrayList<>(newestFirst);
        java.util.Collections.reverse(turned);
        return turned;
    }

    private static double rounded(double value, int digits) {
        double scale = Math.pow(10, digits);
        return Math.rint(value * scale) / scale;
    }

    private static String utc(long ms) {
        SimpleDateFormat format =
                new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'+00:00'", Locale.ROOT);
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        return format.format(new Date(ms));
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
