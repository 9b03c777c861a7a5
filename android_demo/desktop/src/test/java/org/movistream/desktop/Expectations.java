package org.movistream.desktop;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.movistream.core.EngineException;
import org.movistream.core.Json;
import org.movistream.core.ModelDescription;
import org.movistream.core.ModelException;
import org.movistream.core.YuvFrame;

/** What checks/expectations.py wrote. */
final class Expectations {
    static final File FOLDER = new File(System.getProperty("movistream.expectations"));

    private Expectations() {}

    static Map<?, ?> cases() throws IOException, ModelException {
        byte[] bytes = Files.readAllBytes(new File(FOLDER, "cases.json").toPath());
        return (Map<?, ?>) Json.parse(new String(bytes, StandardCharsets.UTF_8));
    }

    static List<?> models() throws IOException, ModelException {
        return (List<?>) cases().get("models");
    }

    static ModelDescription describe(Map<?, ?> model) throws ModelException {
        return ModelDescription.read(new File((String) model.get("model")));
    }

    /** A model on one thread. */
    static LiteRtEngine open(ModelDescription model) throws EngineException {
        LiteRtEngine.loadLibrary(new File(System.getProperty("movistream.litert")));
        return new LiteRtEngine(model.file, model.manifest.signature, 1);
    }

    static ByteBuffer bytes(String name) throws IOException {
        return ByteBuffer.wrap(Files.readAllBytes(new File(FOLDER, name).toPath()))
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Takes the next frame from a file's bytes. */
    static YuvFrame next(ByteBuffer source, Map<?, ?> layout) {
        int width = number(layout, "width");
        int height = number(layout, "height");
        int yRowStride = number(layout, "y_row_stride");
        int chromaRowStride = number(layout, "chroma_row_stride");
        int chromaHeight = (height + 1) / 2;
        ByteBuffer y = take(source, yRowStride * height);
        ByteBuffer u = take(source, chromaRowStride * chromaHeight);
        ByteBuffer v = take(source, chromaRowStride * chromaHeight);
        YuvFrame frame = new YuvFrame();
        frame.set(width, height, number(layout, "rotation"), y, yRowStride, u, v,
                chromaRowStride, number(layout, "chroma_pixel_stride"));
        return frame;
    }

    static int number(Map<?, ?> layout, String name) {
        return ((Number) layout.get(name)).intValue();
    }

    private static ByteBuffer take(ByteBuffer source, int length) {
        ByteBuffer plane = ByteBuffer.allocateDirect(length);
        byte[] bytes = new byte[length];
        source.get(bytes);
        plane.put(bytes);
        return plane;
    }
}
