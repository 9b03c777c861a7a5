package org.movistream.demo.logic.watching;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.movistream.core.EngineException;
import org.movistream.core.Event;
import org.movistream.core.FramePacer;
import org.movistream.core.Manifest;
import org.movistream.core.ModelException;
import org.movistream.core.Watch;
import org.movistream.core.YuvFrame;
import org.movistream.demo.logic.engines.ChosenEngine;
import org.movistream.demo.logic.settings.Settings;

/** The core's {@link Watch} over an engine; the one place where the app and the core meet. */
public final class CoreSession implements WatchSession<YuvFrame> {
    private static final double MS_PER_S = 1e3;

    private final ChosenEngine engine;
    private final Watch watch;
    private final FramePacer pacer;
    private final String[] labels;
    private double startS = Double.NaN;
    private long startedAtMs;

    /** Takes the engine over, and closes it if it throws. */
    public static CoreSession begin(Manifest manifest, ChosenEngine engine, Settings settings)
            throws ModelException, EngineException {
        boolean begun = false;
        try {
            CoreSession session = new CoreSession(manifest, engine, settings);
            begun = true;
            return session;
        } finally {
            if (!begun) {
                engine.engine().close();
            }
        }
    }

    private CoreSession(Manifest manifest, ChosenEngine engine, Settings settings)
            throws ModelException, EngineException {
        this.engine = engine;
        watch = new Watch(manifest, engine.engine(), engine.horizonFrames(),
                settings.smoothingS(), Latest.TOP);
        pacer = new FramePacer(manifest.input.framesPerSecond);
        labels = new String[manifest.logits.classes];
        for (int index = 0; index < labels.length; index++) {
            labels[index] = manifest.label(index);
        }
    }

    @Override
    public boolean isDue(double stampS) {
        return pacer.isDue(stampS);
    }

    @Override
    public void look(YuvFrame frame, double stampS) throws EngineException {
        if (startS != startS) {
            startS = stampS;
            startedAtMs = System.currentTimeMillis();
        }
        watch.see(frame, stampS - startS);
    }

    @Override
    public int count() {
        return watch.top.length;
    }

    @Override
    public String label(int rank) {
        return labels[watch.top[rank]];
    }

    @Override
    public float score(int rank) {
        return watch.scores[watch.top[rank]];
    }

    @Override
    public boolean isGoingOn(int rank) {
        return watch.isGoingOn(watch.top[rank]);
    }

    @Override
    public double stepMs() {
        return watch.preprocessMs + watch.inferenceMs;
    }

    @Override
    public List<SeenEvent> ended() {
        return watch.ended.isEmpty() ? Collections.<SeenEvent>emptyList() : seen(watch.ended);
    }

    @Override
    public List<SeenEvent> finish() {
        return seen(watch.finish());
    }

    @Override
    public void reset() throws EngineException {
        watch.reset();
        pacer.reset();
        startS = Double.NaN;
    }

    @Override
    public void close() {
        engine.engine().close();
    }

    private List<SeenEvent> seen(List<Event> events) {
        List<SeenEvent> seen = new ArrayList<>();
        for (Event event : events) {
            seen.add(new SeenEvent(event.index, event.label, event.startS, event.endS,
                    event.peakScore, startedAtMs + Math.round(event.startS * MS_PER_S)));
        }
        return seen;
    }
}
