package org.movistream.demo.logic.watching;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.movistream.core.Event;
import org.movistream.core.JsonWriter;

/** Events as lines for others, with the names that Python gives them. */
public final class EventExport {
    private EventExport() {}

    /** A line of JSON for each, as {@code movistream run --json} prints them. */
    public static String jsonLines(String source, List<Event> events) {
        StringBuilder lines = new StringBuilder();
        for (Event event : events) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("version", Event.VOCABULARY_VERSION);
            fields.put("type", "event");
            fields.put("source", source);
            fields.putAll(event.asMap());
            lines.append(JsonWriter.write(fields)).append('\n');
        }
        return lines.toString();
    }

    /** Oldest first, as they are listed newest first. */
    public static List<Event> oldestFirst(List<Event> newestFirst) {
        List<Event> turned = new ArrayList<>(newestFirst);
        Collections.reverse(turned);
        return turned;
    }
}
