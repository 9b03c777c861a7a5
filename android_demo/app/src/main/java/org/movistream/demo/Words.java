package org.movistream.demo;

import android.content.Context;
import org.movistream.demo.logic.camera.CameraStatus;
import org.movistream.demo.logic.models.ModelTrouble;
import org.movistream.demo.logic.watching.Note;

/** The resources' words for what the app's logic says. */
final class Words {
    private final Context context;

    Words(Context context) {
        this.context = context;
    }

    String note(Note note) {
        switch (note.kind()) {
            case LOADING:
                return context.getString(R.string.status_loading);
            case LOW_MEMORY:
                return context.getString(R.string.low_memory);
            case MODEL_FAILED:
                return note.detail().isEmpty() ? context.getString(R.string.model_failed)
                        : note.detail();
            case GPU_MISSING:
                return context.getString(R.string.gpu_missing);
            case GPU_REFUSES:
                return context.getString(R.string.gpu_refuses);
            case GPU_DISAGREES:
                return context.getString(R.string.gpu_disagrees, note.number());
            case GPU_POSITIONS:
                return context.getString(R.string.gpu_positions);
            case GPU_MEANS:
                return context.getString(R.string.gpu_means);
            case COPYING:
                return note.number() < 0 ? context.getString(R.string.copying)
                        : context.getString(R.string.copying_percent, (int) note.number());
            case VIDEO_FAILED:
                return context.getString(R.string.video_failed, note.detail());
            case COPIED:
                return context.getString(R.string.copied, note.detail());
            default:
                return note.detail(); // Words already.
        }
    }

    /** Empty if there is nothing to say. */
    String camera(CameraStatus status) {
        switch (status) {
            case NOT_ALLOWED:
                return context.getString(R.string.camera_refused);
            case MISSING:
                return context.getString(R.string.camera_missing);
            case TAKEN:
                return context.getString(R.string.camera_taken);
            case FORBIDDEN:
                return context.getString(R.string.camera_forbidden);
            case BROKEN:
                return context.getString(R.string.camera_failed);
            default:
                return "";
        }
    }

    String trouble(ModelTrouble trouble, String detail) {
        switch (trouble) {
            case REFUSED:
                return context.getString(R.string.file_refused, detail);
            case EMPTY:
                return context.getString(R.string.file_empty);
            case TOO_LARGE:
                return context.getString(R.string.file_too_large);
            case NO_SPACE:
                return context.getString(R.string.file_no_space);
            case UNWRITABLE:
                return context.getString(R.string.file_unwritable);
            case CANCELLED:
                return context.getString(R.string.file_cancelled);
            case GONE:
                return context.getString(R.string.file_gone);
            default:
                return context.getString(R.string.file_unreadable);
        }
    }
}
