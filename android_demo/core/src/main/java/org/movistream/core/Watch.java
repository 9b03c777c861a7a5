package org.movistream.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model at work on frames: preprocessing, a step, scores, events, and resets. Python's
 * {@code Watcher} does the same.
 *
 * <p>What a frame led to can be asked for until the next one. Nothing is allocated per frame, but
 * where an event begins or ends. For one thread at a time.
 */
public final class Watch implements AutoCloseable {
    private static final List<Event> NONE = Collections.emptyList();
    private static final double MS_PER_S = 1e3;

    private final Preprocessor preprocessor;
    private final Stream stream;
    private final Scorer scorer;
    private final EventDetector detector;
    private final Resets resets;
    private final Overall overall;
    private final int warmUpFrames;
    /** Times of the frames that have no answer yet; a ring, by frames seen. */
    private final double[] waitingS;
    private final int[] top;
    private final float[] logits;
    private float[] scores;
    private List<Event> events = NONE;
    private int endedByReset;
    private ResetReason resetReason;
    private boolean resetAsked;
    private boolean warmingUp;
    private double answerS;
    private int answersFramesBack;
    private double preprocessMs;
    private double inferenceMs;

    /**
     * Starts at the beginning of a video.
     *
     * @param engine stays open when this is closed.
     * @throws ModelException if the network takes what no camera gives, or has no clock for a
     *     horizon.
     * @throws EngineException if the engine has no memory.
     * @throws IllegalArgumentException if an option is out of its range.
     */
    public Watch(Manifest manifest, Engine engine, WatchOptions options)
            throws ModelException, EngineException {
        int classes = manifest.logits.classes;
        preprocessor = new Preprocessor(manifest.input);
        scorer = new Scorer(classes, options.temperature, options.smoothingOf(manifest),
                manifest.logits.activation);
        detector = new EventDetector(manifest, new EventRules(
                manifest, options.enter, options.leave, options.shortestS));
        resets = new Resets(
                options.resetOnCut, options.resetAfterGapS, options.resetEveryS);
        overall = new Overall(classes, options.horizonFrames > 0 ? options.horizonFrames
                : manifest.horizonFrames, manifest.logits.activation);
        warmUpFrames = manifest.warmUpFrames;
        waitingS = new double[manifest.delayFrames];
        scores = new float[classes];
        logits = new float[classes];
        top = new int[Math.min(options.topClasses, classes)];
        stream = new Stream(engine, manifest, options.horizonFrames);
    }

    /** Looks at a frame of a recording; see {@link #see(YuvFrame, double, long)}. */
    public void see(YuvFrame frame, double timeS) throws EngineException {
        see(frame, timeS, Event.RECORDED);
    }

    /**
     * Looks at a frame. Where the stream is reset before it, the events that end by that come
     * first among {@link #events()}.
     *
     * @param timeS when it was taken, in seconds since the stream's start, never less than the
     *     last; {@link FramePacer#timeS} and {@link StreamClock} make such times of stamps.
     * @param capturedAtMs the same on the wall clock, in ms since 1970; {@link Event#RECORDED}
     *     for recordings.
     * @throws EngineException if the engine fails. What the stream knew before this frame stays.
     */
    public void see(YuvFrame frame, double timeS, long capturedAtMs) throws EngineException {
        events = NONE;
        resetReason = resets.reason(frame, timeS);
        if (resetAsked && resetReason == null) {
            resetReason = ResetReason.ASKED_FOR;
        }
        resetAsked = false;
        if (resetReason != null) {
            forget(timeS, capturedAtMs);
        }
        endedByReset = events.size();
        long start = System.nanoTime();
        Object prepared = preprocessor.prepare(frame);
        long between = System.nanoTime();
        float[] answer = stream.step(prepared);
        long end = System.nanoTime();
        System.arraycopy(answer, 0, logits, 0, logits.length);
        preprocessMs = (between - start) / 1e6;
        inferenceMs = (end - between) / 1e6;
        int seen = stream.framesSeen() - 1;
        warmingUp = seen < warmUpFrames;
        answersFramesBack = Math.min(seen, waitingS.length);
        answerS = answered(seen, timeS);
        scores = scorer.update(logits, answerS, warmingUp);
        Scorer.top(scores, top);
        if (!warmingUp) {
            overall.add(scores);
            append(detector.update(answerS, scores, earlier(capturedAtMs, timeS - answerS)));
        }
    }

    /** What was seen belongs to what was before a cut; after a gap, nobody saw it end. */
    private void forget(double timeS, long capturedAtMs) throws EngineException {
        boolean isGap = resetReason == ResetReason.GAP;
        if (isGap || resetReason == ResetReason.SCENE_CUT && waitingS.length > 0) {
            // Nobody will see it end, either, whose answers come late.
            append(detector.finish());
        } else if (resetReason == ResetReason.SCENE_CUT) {
            append(detector.finish(timeS, capturedAtMs));
        }
        stream.reset();
        scorer.reset();
        overall.forget();
    }

    private void append(List<Event> more) {
        if (events.isEmpty()) {
            events = more;
        } else if (!more.isEmpty()) {
            events = joined(events, more);
        }
    }

    private static List<Event> joined(List<Event> first, List<Event> second) {
        List<Event> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }

    private static long earlier(long atMs, double seconds) {
        return atMs == Event.RECORDED ? atMs : atMs - Math.round(seconds * MS_PER_S);
    }

    /** When the frame was taken that the answer to this one is about; at first, the first one. */
    private double answered(int seen, double timeS) {
        int delay = waitingS.length;
        if (delay == 0) {
            return timeS;
        }
        int place = seen % delay;
        double aboutS = seen >= delay ? waitingS[place] : seen == 0 ? timeS : waitingS[0];
        waitingS[place] = timeS;
        return aboutS;
    }

    /** The score of a class, in [0, 1]; of a model with a delay, about an earlier frame. */
    public float score(int index) {
        return scores[index];
    }

    /** How many best classes there are to ask for. */
    public int topCount() {
        return top.length;
    }

    /** One of the best classes, by its rank, from 0. */
    public int top(int rank) {
        return top[rank];
    }

    /** What the network said itself of a class. */
    public float logit(int index) {
        return logits[index];
    }

    /**
     * Events that the last frame ended, then those that have begun with it; mostly none. Where it
     * was the first after a reset, the {@link #endedByReset} first ones ended before it.
     */
    public List<Event> events() {
        return events.isEmpty() ? NONE : Collections.unmodifiableList(events);
    }

    /** See {@link #events()}. */
    public int endedByReset() {
        return endedByReset;
    }

    /** Why the stream forgot everything before the last frame; null if it did not. */
    public @Nullable ResetReason resetReason() {
        return resetReason;
    }

    /** Whether the model has not seen enough frames yet, so that the scores mean nothing. */
    public boolean isWarmingUp() {
        return warmingUp;
    }

    /** Of the frame that the scores are about, in seconds since the stream's start. */
    public double answerS() {
        return answerS;
    }

    /** How many frames before the last was the one that the scores are about: mostly 0. */
    public int answersFramesBack() {
        return answersFramesBack;
    }

    /** What the last frame's preprocessing took. */
    public double preprocessMs() {
        return preprocessMs;
    }

    /** What the last frame's step took. */
    public double inferenceMs() {
        return inferenceMs;
    }

    /** Whether an event of a class is going on. */
    public boolean isGoingOn(int index) {
        return detector.isGoingOn(index);
    }

    /** What is going on, each event up to now. */
    public List<Event> goingOn() {
        return detector.goingOn();
    }

    /** Ends what is going on, where it was seen last; returns it. At a stop, or a stream's end. */
    public List<Event> finish() {
        return detector.finish();
    }

    /**
     * The scores for all that was seen, one per class: those after the last frame, or their mean
     * where the network has forgotten some, or the highest of each where several classes may be at
     * once; null before the first frame.
     */
    public float[] answer() {
        return overall.scores();
    }

    /** Whether {@link #answer} is the mean over all frames, since some are forgotten. */
    public boolean answersWithMean() {
        return overall.isMean();
    }

    /** Lets the stream forget everything before its next frame; its times and events go on. */
    public void askForReset() {
        resetAsked = true;
    }

    /** Forgets everything: the next frame is the first of a video. Call {@link #finish} before. */
    public void reset() throws EngineException {
        stream.reset();
        scorer.reset();
        detector.reset();
        resets.begin();
        overall.reset();
        resetAsked = false;
        events = NONE;
    }

    /** Since the start or the last reset. */
    public int framesSeen() {
        return stream.framesSeen();
    }

    /** Frees the stream's buffers; may be called again. The engine stays open. */
    @Override
    public void close() {
        stream.close();
    }
}
