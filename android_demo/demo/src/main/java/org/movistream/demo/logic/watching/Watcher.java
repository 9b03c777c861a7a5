package org.movistream.demo.logic.watching;

import java.io.IOException;
import org.movistream.core.EngineException;
import org.movistream.demo.logic.settings.Settings;

/**
 * The model at work on a thread of its own, for as long as the process lives.
 *
 * <p>Whatever ends a stream (a stop, another model, too little memory, a failure) ends its events,
 * and whatever drops a model frees its stream and engine. What is asked for on any thread is done
 * in order on the inference thread.
 *
 * @param <F> frames.
 */
public final class Watcher<F> {
    /** Makes a model ready; takes as long as it takes. */
    public interface Loader<F> {
        Loaded<F> load(Settings settings) throws LoadException;
    }

    /** Is told on the loop for answers. */
    public interface Listener {
        /** There is something new in {@link #latest}. */
        void onResult();

        /** It runs or stopped, or something is to be said about the model; null for nothing. */
        void onState(Note model, Note engine);
    }

    private final Loader<F> loader;
    private final Loop inference;
    private final Loop answers;
    private final Latest latest = new Latest();

    // Of the loop for answers.
    private Listener listener;

    // Written by one thread, read by another.
    private volatile Settings settings;
    private volatile boolean running;
    private volatile String modelName = "";
    private volatile String engineName = "";
    private volatile Note modelNote;
    private volatile Note engineNote;
    private volatile Recording<F> recording;

    // Of the inference thread.
    private WatchSession<F> session;
    private Settings loadedFor;
    private boolean closed;

    private final Runnable tellResult = new Runnable() {
        @Override
        public void run() {
            if (listener != null) {
                listener.onResult();
            }
        }
    };
    private final Runnable tellState = new Runnable() {
        @Override
        public void run() {
            if (listener != null) {
                listener.onState(modelNote, engineNote);
            }
        }
    };

    public Watcher(Loader<F> loader, Loop inference, Loop answers, Settings settings) {
        this.loader = loader;
        this.inference = inference;
        this.answers = answers;
        this.settings = settings;
    }

    /** @param listener null for none; it is told at once how things are. */
    public void setListener(Listener listener) {
        this.listener = listener;
        tellState.run();
        tellResult.run();
    }

    public Latest latest() {
        return latest;
    }

    public Settings settings() {
        return settings;
    }

    /** Whether frames are to be looked at, if there are some. */
    public boolean isRunning() {
        return running;
    }

    /** Of the network in use; empty while none is loaded. */
    public String modelName() {
        return modelName;
    }

    public String engineName() {
        return engineName;
    }

    /** Looks at frames from now on; loads the model first if there is none. */
    public void start() {
        endVideo();
        running = true;
        say(null);
        inference.post(new Runnable() {
            @Override
            public void run() {
                if (running && session == null) {
                    load();
                }
            }
        });
    }

    /**
     * Watches a video from its start to its end, as a stream of its own, and stops. Events before
     * it stay listed; frames that come meanwhile are not looked at.
     */
    public void watch(final Recording<F> video) {
        endVideo();
        recording = video;
        running = true;
        say(null);
        inference.post(new Runnable() {
            @Override
            public void run() {
                if (session == null && running) {
                    load();
                }
                if (session != null && running && recording == video) {
                    play(video);
                } else if (recording == video) {
                    recording = null;
                }
            }
        });
    }

    /** Looks no more; what was going on ends. The model stays. */
    public void stop() {
        running = false;
        endVideo();
        answers.post(tellState);
        inference.post(new Runnable() {
            @Override
            public void run() {
                finish();
            }
        });
    }

    /** Begins a new stream, and a new list of events. */
    public void reset() {
        endVideo();
        inference.post(new Runnable() {
            @Override
            public void run() {
                finish();
                restart();
                latest.clearEvents();
            }
        });
    }

    /** Begins a new stream, as where another camera shows another scene; events stay listed. */
    public void beginAgain() {
        endVideo();
        inference.post(new Runnable() {
            @Override
            public void run() {
                finish();
                restart();
            }
        });
    }

    /** Watches by other settings; loads anew where they ask for it. */
    public void change(Settings chosen) {
        settings = chosen;
        endVideo();
        inference.post(new Runnable() {
            @Override
            public void run() {
                boolean serves = session != null && loadedFor.watchesAs(settings);
                if (!serves && (session != null || running)) {
                    load();
                } else if (!serves) {
                    say(null); // What was wrong with another model is of no interest any more.
                }
            }
        });
    }

    /** Frees the model and says why; nothing is looked at until {@link #start}. */
    public void stopFor(final Note reason) {
        endVideo();
        inference.post(new Runnable() {
            @Override
            public void run() {
                if (session != null || running) {
                    fail(reason);
                }
            }
        });
    }

    /** Frees the model; it is loaded again when the next frame comes. */
    public void giveBack() {
        endVideo();
        inference.post(new Runnable() {
            @Override
            public void run() {
                drop();
                answers.post(tellState);
            }
        });
    }

    /** Frees all, for good. */
    public void close() {
        running = false;
        endVideo();
        inference.post(new Runnable() {
            @Override
            public void run() {
                closed = true;
                drop();
            }
        });
    }

    /** Whether a frame is wanted; on the inference thread, once for every frame in order. */
    public boolean isDue(double stampS) {
        if (!running || closed || recording != null) {
            return false;
        }
        if (session == null) {
            load();
        }
        return session != null && session.isDue(stampS);
    }

    /** Looks at a frame that is wanted; on the inference thread. */
    public void look(F frame, double stampS) {
        if (session == null) {
            return;
        }
        try {
            session.look(frame);
            latest.take(session, stampS);
            answers.post(tellResult);
        } catch (EngineException | RuntimeException error) {
            fail(Note.of(NoteKind.MODEL_FAILED, error.getMessage()));
        } catch (OutOfMemoryError error) {
            fail(Note.of(NoteKind.LOW_MEMORY));
        }
    }

    private void endVideo() {
        Recording<F> video = recording;
        if (video != null) {
            video.stop();
        }
    }

    private void play(Recording<F> video) {
        finish();
        restart();
        try {
            if (session != null) {
                video.show(session.framesPerSecond(), new Recording.Taker<F>() {
                    @Override
                    public void take(F frame, double timeS) throws EngineException {
                        session.lookAtRecorded(frame, timeS);
                        latest.take(session, timeS);
                        answers.post(tellResult);
                    }
                });
            }
            finish();
            // What it said last stays to be seen; the next stream begins anew.
            if (session != null) {
                session.reset();
            }
            endOf(video, null);
        } catch (IOException error) {
            finish();
            endOf(video, Note.of(NoteKind.VIDEO_FAILED, error.getMessage()));
        } catch (EngineException | RuntimeException error) {
            recording = null;
            fail(Note.of(NoteKind.MODEL_FAILED, error.getMessage()));
        } catch (OutOfMemoryError error) {
            recording = null;
            fail(Note.of(NoteKind.LOW_MEMORY));
        }
    }

    private void endOf(Recording<F> video, Note note) {
        // Another one may wait already.
        if (recording == video) {
            recording = null;
            running = false;
        }
        say(note);
    }

    private void load() {
        drop();
        if (closed) {
            return;
        }
        say(Note.of(NoteKind.LOADING));
        // The newest that is known, so that changes that follow each other load once.
        Settings wanted = settings;
        try {
            Loaded<F> loaded = loader.load(wanted);
            session = loaded.session();
            loadedFor = wanted;
            modelName = loaded.modelName();
            engineName = loaded.engineName();
            engineNote = loaded.notice();
            say(null);
        } catch (LoadException error) {
            fail(error.note());
        } catch (RuntimeException error) {
            fail(Note.of(NoteKind.MODEL_FAILED, error.getMessage()));
        } catch (OutOfMemoryError error) {
            fail(Note.of(NoteKind.LOW_MEMORY));
        }
    }

    private void finish() {
        if (session != null) {
            latest.addEvents(session.finish());
            answers.post(tellResult);
        }
    }

    private void restart() {
        latest.clearAnswers();
        answers.post(tellResult);
        if (session != null) {
            try {
                session.reset();
            } catch (EngineException | RuntimeException error) {
                fail(Note.of(NoteKind.MODEL_FAILED, error.getMessage()));
            }
        }
    }

    private void drop() {
        WatchSession<F> old = session;
        session = null;
        modelName = "";
        engineName = "";
        engineNote = null;
        latest.clearAnswers();
        if (old != null) {
            try {
                latest.addEvents(old.finish());
            } finally {
                old.close();
            }
            answers.post(tellResult);
        }
    }

    private void fail(Note reason) {
        running = false;
        modelNote = reason;
        try {
            drop();
        } finally {
            say(reason);
        }
    }

    private void say(Note note) {
        modelNote = note;
        answers.post(tellState);
    }
}
