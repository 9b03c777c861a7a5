package org.movistream.desktop;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.movistream.core.Event;
import org.movistream.core.JsonWriter;
import org.movistream.core.Manifest;
import org.movistream.core.Scorer;
import org.movistream.core.Watch;

/** The lines of {@code movistream run --json --events}, as docs/results.md describes them. */
final class ResultLines {
    private static final int TIME_DIGITS = 4;
    private static final int SCORE_DIGITS = 6;
    private static final int MS_DIGITS = 3;

    private final String source;
    private final Manifest manifest;
    private final boolean withLogits;

    /** @param withLogits steps have {@code logits} too, which Python's lines have not. */
    ResultLines(String source, Manifest manifest, boolean withLogits) {
        this.source = source;
        this.manifest = manifest;
        this.withLogits = withLogits;
    }

    void start(double framesPerSecond) {
        Map<String, Object> line = line("start");
        line.put("live", false);
        line.put("frames_per_second", rounded(framesPerSecond, TIME_DIGITS));
        line.put("seconds", null);
        print(line);
    }

    /** What a frame led to, in order. */
    void seen(Watch watch, long frame, double timeS, double gapS) {
        List<Event> events = watch.events();
        events(events.subList(0, watch.endedByReset()));
        if (watch.resetReason() != null) {
            Map<String, Object> notice = line("notice");
            notice.put("kind", "reset");
            notice.put("time_s", rounded(timeS, TIME_DIGITS));
            notice.put("reason", watch.resetReason().notice(gapS));
            print(notice);
        }
        Map<String, Object> step = line("step");
        step.put("frame", frame);
        step.put("time_s", rounded(watch.answerS(), TIME_DIGITS));
        step.put("preprocess_ms", rounded(watch.preprocessMs(), MS_DIGITS));
        step.put("inference_ms", rounded(watch.inferenceMs(), MS_DIGITS));
        List<Object> top = new ArrayList<>();
        for (int rank = 0; rank < watch.topCount(); rank++) {
            top.add(prediction(watch.top(rank), watch.score(watch.top(rank))));
        }
        step.put("top", top);
        if (watch.isWarmingUp()) {
            step.put("warming_up", true);
        }
        List<Object> goingOn = new ArrayList<>();
        for (Event event : watch.goingOn()) {
            goingOn.add(event.asMap());
        }
        step.put("going_on", goingOn);
        if (withLogits) {
            List<Object> logits = new ArrayList<>();
            for (int index = 0; index < manifest.logits.classes; index++) {
                logits.add(watch.logit(index));
            }
            step.put("logits", logits);
        }
        print(step);
        events(events.subList(watch.endedByReset(), events.size()));
    }

    void end(Watch watch, long steps) {
        events(watch.finish());
        float[] scores = watch.answer();
        List<Object> top = new ArrayList<>();
        if (scores != null) {
            int[] best = new int[watch.topCount()];
            Scorer.top(scores, best);
            for (int index : best) {
                top.add(prediction(index, scores[index]));
            }
        }
        Map<String, Object> end = line("end");
        end.put("steps", steps);
        end.put("top", top);
        end.put("is_mean", watch.answersWithMean());
        end.put("complete", true);
        print(end);
    }

    private void events(List<Event> events) {
        for (Event event : events) {
            Map<String, Object> line = line("event");
            line.putAll(event.asMap());
            print(line);
        }
    }

    private Map<String, Object> line(String type) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("version", Event.VOCABULARY_VERSION);
        line.put("type", type);
        line.put("source", source);
        return line;
    }

    private Map<String, Object> prediction(int index, float score) {
        Map<String, Object> prediction = new LinkedHashMap<>();
        prediction.put("index", index);
        prediction.put("label", manifest.label(index));
        prediction.put("score", rounded(score, SCORE_DIGITS));
        return prediction;
    }

    private static Object rounded(double value, int digits) {
        return new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).doubleValue();
    }

    private static void print(Map<String, Object> line) {
        System.out.println(JsonWriter.write(line));
    }
}
