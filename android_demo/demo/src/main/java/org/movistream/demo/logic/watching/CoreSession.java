package org.movistream.demo.logic.watching;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.movistream.core.EngineException;
import org.movistream.core.Event;
import org.movistream.core.EventRules;
import org.movistream.core.FramePacer;
import org.movistream.core.Manifest;
import org.movistream.core.ModelException;
import org.movistream.core.Watch;
import org.movistream.core.WatchOptions;
import org.movistream.core.YuvFrame;
import org.movistream.demo.logic.engines.ChosenEngine;
import org.movistream.demo.logic.settings.Settings;

/** The core's {@link Watch} over an engine; the one place where the app and the core meet. */
public final class CoreSession implements WatchSession<YuvFrame> {
    private final ChosenEngine engine;
    private final Watch watch;
    private final FramePacer pacer;
    private final double framesPerSecond;
    private final String[] labels;
    private final boolean seesSeveral;
    /** Classes to show, by rank. */
    private final int[] shown;

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
        watch = new Watch(manifest, engine.engine(), WatchOptions.ofCamera()
                .withHorizon(engine.horizonFrames())
                .withSmoothing(settings.smoothingS())
                .withEvents(settings.enter(), leave(manifest, settings), settings.shortestS())
                .withTop(Latest.TOP));
        seesSeveral = manifest.logits.activation == Manifest.Activation.SIGMOID;
        shown = new int[watch.topCount()];
        framesPerSecond = manifest.input.framesPerSecond;
        pacer = new FramePacer(framesPerSecond);
        labels = new String[manifest.logits.classes];
        for (int index = 0; index < labels.length; index++) {
            labels[index] = manifest.label(index);
        }
    }

    /** An event ends at the score at which it begins, at most, also where the model says that. */
    private static Double leave(Manifest manifest, Settings settings) {
        if (settings.leave() == null || settings.enter() != null) {
            return settings.leave();
        }
        double enter = new EventRules(manifest, null, null, null).lowestEnter();
        return Math.min(settings.leave(), enter);
    }

    @Override
    public boolean isDue(double stampS) {
        return pacer.isDue(stampS);
    }

    @Override
    public void look(YuvFrame frame) throws EngineException {
        watch.see(frame, pacer.timeS(), System.currentTimeMillis());
        rank();
    }

    @Override
    public double framesPerSecond() {
        return framesPerSecond;
    }

    @Override
    public void lookAtRecorded(YuvFrame frame, double timeS) throws EngineException {
        watch.see(frame, timeS);
        rank();
    }

    /**
     * Where several classes may be at once, those that are come first, in the classes' order: they
     * keep their places while their scores take turns at being the highest.
     */
    private void rank() {
        int count = 0;
        for (int index = 0; seesSeveral && index < labels.length && count < shown.length; index++) {
            if (watch.isGoingOn(index)) {
                shown[count++] = index;
            }
        }
        for (int rank = 0; count < shown.length; rank++) {
            int index = watch.top(rank);
            if (!seesSeveral || !watch.isGoingOn(index)) {
                shown[count++] = index;
            }
        }
    }

    @Override
    public boolean seesSeveral() {
        return seesSeveral;
    }

    @Override
    public int count() {
        return shown.length;
    }

    @Override
    public String label(int rank) {
        return labels[shown[rank]];
    }

    @Override
    public float score(int rank) {
        return watch.score(shown[rank]);
    }

    @Override
    public boolean isGoingOn(int rank) {
        return watch.isGoingOn(shown[rank]);
    }

    @Override
    public double stepMs() {
        return watch.preprocessMs() + watch.inferenceMs();
    }

    @Override
    public List<Event> ended() {
        return over(watch.events());
    }

    @Override
    public List<Event> finish() {
        return over(watch.finish());
    }

    @Override
    public void reset() throws EngineException {
        watch.reset();
        pacer.reset();
    }

    @Override
    public void close() {
        watch.close();
        engine.engine().close();
    }

    /** Of events that begin and end, those that end. */
    private static List<Event> over(List<Event> events) {
        return events.isEmpty() ? Collections.<Event>emptyList() : selected(events);
    }

    private static List<Event> selected(List<Event> events) {
        List<Event> over = new ArrayList<>();
        for (int index = 0; index < events.size(); index++) {
            if (events.get(index).phase == Event.Phase.END) {
                over.add(events.get(index));
            }
        }
        return over;
    }
}
