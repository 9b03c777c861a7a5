package androidx.camera.core;

/** As CameraX declares it, as far as the samples use it. */
public interface ImageInfo {
    /** In nanoseconds. */
    long getTimestamp();

    int getRotationDegrees();
}
