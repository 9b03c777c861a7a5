package org.movistream.demo.logic.watching;

/** A model that is ready to watch; a value that never changes. */
public final class Loaded<F> {
    private final WatchSession<F> session;
    private final String modelName;
    private final String engineName;
    private final Note notice;

    /** @param notice what was done otherwise than asked; null if nothing was. */
    public Loaded(WatchSession<F> session, String modelName, String engineName, Note notice) {
        this.session = session;
        this.modelName = modelName;
        this.engineName = engineName;
        this.notice = notice;
    }

    WatchSession<F> session() {
        return session;
    }

    String modelName() {
        return modelName;
    }

    String engineName() {
        return engineName;
    }

    Note notice() {
        return notice;
    }
}
