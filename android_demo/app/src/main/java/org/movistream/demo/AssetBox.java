package org.movistream.demo;

import android.content.res.AssetManager;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.movistream.demo.logic.models.ModelShelf;

/** The models among the app's assets. */
final class AssetBox implements ModelShelf.Box {
    /** What a new installation watches with. */
    private static final String FIRST = "camera-motion.tflite";

    private final AssetManager assets;
    private List<String> names;

    AssetBox(AssetManager assets) {
        this.assets = assets;
    }

    @Override
    public synchronized List<String> names() {
        if (names == null) {
            List<String> found = new ArrayList<>();
            try {
                String[] listed = assets.list("");
                Arrays.sort(listed);
                for (String name : listed) {
                    if (name.endsWith(".tflite")) {
                        found.add(name.equals(FIRST) ? 0 : found.size(), name);
                    }
                }
            } catch (IOException error) {
                return found; // Asked again next time.
            }
            names = found;
        }
        return names;
    }

    @Override
    public InputStream open(String name) throws IOException {
        return assets.open(name);
    }
}
