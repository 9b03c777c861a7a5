package org.movistream.demo;

/** What a person chooses; a value that never changes. */
final class Settings {
    /** Horizons on offer, in frames; 0 for what the file says. */
    static final int[] HORIZONS = {0, 4, 16, 64, 256};

    /** The bundled model's name among the models; others are file names. */
    static final String BUNDLED = "";

    final String model;
    final int threads;
    final int horizonFrames;
    final boolean gpu;

    Settings(String model, int threads, int horizonFrames, boolean gpu) {
        this.model = model;
        this.threads = threads;
        this.horizonFrames = horizonFrames;
        this.gpu = gpu;
    }

    /** Before anything is chosen: small layers gain nothing from more than two threads. */
    static Settings initial() {
        return new Settings(BUNDLED, Math.min(2, mostThreads()), 0, false);
    }

    static int mostThreads() {
        return Math.min(4, Runtime.getRuntime().availableProcessors());
    }

    Settings withModel(String name) {
        return new Settings(name, threads, horizonFrames, gpu);
    }
}
