package org.movistream.demo;

import android.net.Uri;
import android.os.SystemClock;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import org.movistream.demo.logic.models.ModelEntry;
import org.movistream.demo.logic.models.ModelImport;
import org.movistream.demo.logic.models.ModelTrouble;
import org.movistream.demo.logic.watching.Note;
import org.movistream.demo.logic.watching.NoteKind;
import org.movistream.demo.logic.watching.StatusBoard;

/** Brings a document onto the shelf and changes to it; outlives a turn of the screen. */
final class ModelPick {
    private final DemoApplication application;
    private final HandlerLoop main;
    private final Executor work = Executors.newSingleThreadExecutor();
    private ModelImport running;
    private int picks;
    private Runnable listener;

    ModelPick(DemoApplication application, HandlerLoop main) {
        this.application = application;
        this.main = main;
    }

    /** @param listener is told when the status or the list has changed; null for none. */
    void setListener(Runnable listener) {
        this.listener = listener;
    }

    /** Takes the place of one that is still copied. */
    void begin(Uri document) {
        cancel();
        running = ModelImport.begin(application.shelf(),
                new UriDocument(application.getContentResolver(), document), work, main,
                new Answers());
    }

    boolean isRunning() {
        return running != null;
    }

    void cancel() {
        if (running != null) {
            running.cancel();
        }
    }

    /** What one copy says, for as long as no later one has begun. */
    private final class Answers implements ModelImport.Listener {
        private final int number = ++picks;

        @Override
        public void onProgress(int percent) {
            if (number == picks) {
                application.board().set(
                        StatusBoard.Topic.COPY, Note.of(NoteKind.COPYING, (double) percent));
                tell();
            }
        }

        @Override
        public void onAdded(ModelEntry entry) {
            if (number == picks) {
                end(Note.of(NoteKind.COPIED, entry.title()));
                application.change(application.watcher().settings().withModel(entry.id()));
            }
        }

        @Override
        public void onFailed(ModelTrouble trouble, String detail) {
            if (number == picks) {
                end(Note.of(NoteKind.COPY_FAILED,
                        application.words().trouble(trouble, detail)));
            }
        }
    }

    private void end(Note note) {
        running = null;
        application.board().set(StatusBoard.Topic.COPY, null);
        application.board().tellBriefly(note, SystemClock.elapsedRealtime());
        tell();
        main.postLater(new Runnable() {
            @Override
            public void run() {
                tell();
            }
        }, StatusBoard.BRIEF_MS);
    }

    private void tell() {
        if (listener != null) {
            listener.run();
        }
    }
}
