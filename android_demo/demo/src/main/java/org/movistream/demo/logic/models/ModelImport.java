package org.movistream.demo.logic.models;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.Executor;

/** Brings one document onto the shelf, off the main thread; can be cancelled at any time. */
public final class ModelImport {
    /** Is told on the executor for answers; of the latter two, exactly one comes, once. */
    public interface Listener {
        /** @param percent of the file that is copied; -1 if its size is unknown. */
        void onProgress(int percent);

        void onAdded(ModelEntry entry);

        void onFailed(ModelTrouble trouble, String detail);
    }

    private static final int PERCENT = 100;

    private final ModelShelf shelf;
    private final Document document;
    private final Executor answers;
    private final Listener listener;
    private volatile boolean cancelled;
    private volatile InputStream source;
    private int told = Integer.MIN_VALUE;

    private ModelImport(ModelShelf shelf, Document document, Executor answers,
            Listener listener) {
        this.shelf = shelf;
        this.document = document;
        this.answers = answers;
        this.listener = listener;
    }

    /**
     * Begins.
     *
     * @param work runs the copying; one after the other, if several are begun.
     * @param answers calls the listener.
     */
    public static ModelImport begin(ModelShelf shelf, Document document, Executor work,
            Executor answers, Listener listener) {
        final ModelImport begun = new ModelImport(shelf, document, answers, listener);
        work.execute(new Runnable() {
            @Override
            public void run() {
                begun.run();
            }
        });
        return begun;
    }

    /** Stops; a read that waits for another app is broken off. */
    public void cancel() {
        cancelled = true;
        InputStream waiting = source;
        if (waiting != null) {
            try {
                waiting.close();
            } catch (IOException | RuntimeException error) {
                // It is given up anyway.
            }
        }
    }

    private void run() {
        try {
            final ModelEntry entry = shelf.add(cancellable(), new CopyProgress() {
                @Override
                public boolean onCopied(long doneBytes, long totalBytes) {
                    tellProgress(doneBytes, totalBytes);
                    return !cancelled;
                }
            });
            answers.execute(new Runnable() {
                @Override
                public void run() {
                    listener.onAdded(entry);
                }
            });
        } catch (ModelStoreException error) {
            tellFailure(cancelled ? ModelTrouble.CANCELLED : error.trouble(), error.detail());
        } catch (RuntimeException | OutOfMemoryError error) {
            tellFailure(ModelTrouble.UNREADABLE, "");
        }
    }

    private void tellFailure(final ModelTrouble trouble, final String detail) {
        answers.execute(new Runnable() {
            @Override
            public void run() {
                listener.onFailed(trouble, detail);
            }
        });
    }

    private void tellProgress(long doneBytes, long totalBytes) {
        final int percent = totalBytes > 0
                ? (int) Math.min(PERCENT, doneBytes * PERCENT / totalBytes) : -1;
        if (percent != told) {
            told = percent;
            answers.execute(new Runnable() {
                @Override
                public void run() {
                    listener.onProgress(percent);
                }
            });
        }
    }

    /** The document, its stream known, so that it can be closed while a read waits. */
    private Document cancellable() {
        return new Document() {
            @Override
            public String name() {
                return document.name();
            }

            @Override
            public long bytes() {
                return document.bytes();
            }

            @Override
            public InputStream open() throws IOException {
                InputStream opened = document.open();
                source = opened == null ? null : new FilterInputStream(opened) {};
                return source;
            }
        };
    }
}
