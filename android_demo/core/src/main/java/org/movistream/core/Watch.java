package org.movistream.core;

import java.util.Collections;
import java.util.List;

/**
 * A model at work on a camera's frames: preprocessing, a step, scores, and events.
 *
 * <p>What a frame led to stays in the fields until the next one. Nothing is allocated per frame,
 * but where an event ends. For one thread at a time.
 */
public final class Watch {
    /** Of the classes, each in [0, 1]; of a model with a delay, about an earlier frame. */
    public float[] scores;
    /** The best classes, best first. */
    public final int[] top;
    /** Events that ended with the last frame; mostly empty. */
    public List<Event> ended = Collections.emptyList();
    /** Whether the model has not seen enough frames yet, so that the scores mean nothing. */
    public boolean warmingUp;
    public double preprocessMs;
    public double inferenceMs;

    private final Preprocessor preprocessor;
    private final Stream stream;
    private final Scorer scorer;
    private final EventDetector detector;
    private final int warmUpFrames;
    /** Times of the frames that have no answer yet; a ring, by frames seen. */
    private final double[] waitingS;

    /**
     * Starts at the beginning of a video.
     *
     * @param horizonFrames see {@link Stream}; 0 for what the file says.
     * @param smoothingS see {@link Scorer}.
     * @param topClasses how many best classes to find; fewer if there are fewer.
     */
    public Watch(Manifest manifest, Engine engine, int horizonFrames, double smoothingS,
            int topClasses) throws ModelException, EngineException {
        int classes = manifest.logits.classes;
        preprocessor = new Preprocessor(manifest.input);
        stream = new Stream(engine, manifest, horizonFrames);
        scorer = new Scorer(classes, 1, smoothingS);
        detector = new EventDetector(manifest, 0.5, 0.3, 0.5);
        warmUpFrames = manifest.warmUpFrames;
        waitingS = new double[manifest.delayFrames];
        scores = new float[classes];
        top = new int[Math.min(topClasses, classes)];
    }

    /** Looks at a frame that was taken at a time; see the fields for what came of it. */
    public void see(YuvFrame frame, double timeS) throws EngineException {
        long start = System.nanoTime();
        Object prepared = preprocessor.prepare(frame);
        long between = System.nanoTime();
        float[] logits = stream.step(prepared);
        long end = System.nanoTime();
        preprocessMs = (between - start) / 1e6;
        inferenceMs = (end - between) / 1e6;
        int seen = stream.framesSeen() - 1;
        warmingUp = seen < warmUpFrames;
        if (warmingUp) {
            scorer.reset();
        }
        double aboutS = answered(seen, timeS);
        scores = scorer.update(logits, aboutS);
        Scorer.top(scores, top);
        ended = warmingUp ? Collections.<Event>emptyList() : detector.update(aboutS, scores);
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

    /** Whether an event of a class is going on. */
    public boolean isGoingOn(int index) {
        return detector.isGoingOn(index);
    }

    /** Ends what is going on; returns it. */
    public List<Event> finish() {
        return detector.finish();
    }

    /** Forgets everything: the next frame is the first of a video. */
    public void reset() throws EngineException {
        stream.reset();
        scorer.reset();
        detector.reset();
    }

    public int framesSeen() {
        return stream.framesSeen();
    }
}
