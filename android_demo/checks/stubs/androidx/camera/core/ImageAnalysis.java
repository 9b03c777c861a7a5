package androidx.camera.core;

/** As CameraX declares it, as far as the samples use it. */
public final class ImageAnalysis {
    private ImageAnalysis() {}

    /** As CameraX declares it. */
    public interface Analyzer {
        void analyze(ImageProxy image);
    }
}
