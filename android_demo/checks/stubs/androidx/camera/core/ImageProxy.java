package androidx.camera.core;

import android.media.Image;
import org.jspecify.annotations.Nullable;

/** As CameraX declares it, as far as the samples use it. */
public interface ImageProxy extends AutoCloseable {
    @Override
    void close();

    ImageInfo getImageInfo();

    @Nullable Image getImage();
}
