package org.movistream.demo;

import android.media.Image;
import android.media.ImageReader;
import org.movistream.core.YuvFrame;
import org.movistream.demo.logic.watching.Note;
import org.movistream.demo.logic.watching.NoteKind;
import org.movistream.demo.logic.watching.Watcher;
import org.movistream.litert.CameraImages;

/** One opening's frames on their way to the watcher, on the inference thread. */
final class FrameTap implements ImageReader.OnImageAvailableListener {
    private static final double NS_PER_S = 1e9;

    private final Watcher<YuvFrame> watcher;
    private final YuvFrame frame = new YuvFrame();
    private volatile int rotationDegrees;

    FrameTap(Watcher<YuvFrame> watcher, int rotationDegrees) {
        this.watcher = watcher;
        this.rotationDegrees = rotationDegrees;
    }

    /** Clockwise, what brings the next frames upright. */
    void rotate(int degrees) {
        rotationDegrees = degrees;
    }

    @Override
    public void onImageAvailable(ImageReader reader) {
        Image image;
        try {
            image = reader.acquireLatestImage();
        } catch (IllegalStateException error) {
            return; // The reader was closed meanwhile.
        }
        if (image == null) {
            return;
        }
        try {
            double stampS = image.getTimestamp() / NS_PER_S;
            if (watcher.isDue(stampS)) {
                CameraImages.show(image, rotationDegrees, frame);
                watcher.look(frame, stampS);
            }
        } catch (IllegalArgumentException | IllegalStateException error) {
            watcher.stopFor(Note.of(NoteKind.MODEL_FAILED, error.getMessage()));
        } finally {
            image.close();
        }
    }
}
