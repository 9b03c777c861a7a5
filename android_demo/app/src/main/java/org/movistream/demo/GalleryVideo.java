package org.movistream.demo;

import android.content.ContentResolver;
import android.net.Uri;
import android.os.ParcelFileDescriptor;
import java.io.IOException;
import org.movistream.core.EngineException;
import org.movistream.core.YuvFrame;
import org.movistream.demo.logic.watching.Recording;
import org.movistream.litert.VideoFrames;

/** A video of another app, such as the gallery's. */
final class GalleryVideo implements Recording<YuvFrame> {
    private final ContentResolver resolver;
    private final Uri uri;
    private volatile boolean stopped;
    private volatile VideoFrames playing;

    GalleryVideo(ContentResolver resolver, Uri uri) {
        this.resolver = resolver;
        this.uri = uri;
    }

    @Override
    public void show(double framesPerSecond, final Taker<YuvFrame> taker)
            throws IOException, EngineException {
        try (ParcelFileDescriptor file = opened();
                VideoFrames frames = new VideoFrames(file.getFileDescriptor())) {
            playing = frames;
            if (stopped) {
                return;
            }
            frames.show(framesPerSecond, new VideoFrames.Taker() {
                @Override
                public void take(YuvFrame frame, double timeS) throws EngineException {
                    taker.take(frame, timeS);
                }
            });
        } finally {
            playing = null;
        }
    }

    @Override
    public void stop() {
        stopped = true;
        VideoFrames frames = playing;
        if (frames != null) {
            frames.stop();
        }
    }

    private ParcelFileDescriptor opened() throws IOException {
        try {
            ParcelFileDescriptor file = resolver.openFileDescriptor(uri, "r");
            if (file != null) {
                return file;
            }
        } catch (RuntimeException error) {
            throw new IOException("its app does not give it: " + error.getMessage(), error);
        }
        throw new IOException("its app does not give it");
    }
}
