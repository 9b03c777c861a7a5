package org.movistream.demo;

import android.content.Context;
import android.os.Build;
import android.os.Handler;
import android.os.Looper;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.movistream.core.Benchmark;
import org.movistream.core.Engine;
import org.movistream.core.EngineException;
import org.movistream.core.Json;
import org.movistream.core.Machine;
import org.movistream.core.ModelDescription;
import org.movistream.core.ModelException;
import org.movistream.demo.logic.engines.LowMemoryException;
import org.movistream.demo.logic.models.ModelStoreException;
import org.movistream.demo.logic.settings.Settings;

/** One benchmark, on a thread of its own; outlives a turn of the screen. */
final class BenchmarkRun {
    /** Is told on the main thread that the text has changed. */
    interface Listener {
        void onChange();
    }

    static final String FILE_NAME = "benchmark.json";
    private static final int ROUNDS = 10;
    private static final int FRAMES = 20;

    private final Context context;
    private final ModelLoader loader;
    private final Handler main = new Handler(Looper.getMainLooper());

    // Of the main thread.
    private Listener listener;
    private boolean running;
    private String text = "";
    private String json = "";

    BenchmarkRun(Context context, ModelLoader loader) {
        this.context = context;
        this.loader = loader;
    }

    /** @param listener null for none. */
    void setListener(Listener listener) {
        this.listener = listener;
    }

    boolean isRunning() {
        return running;
    }

    /** How far it is, what it found, or why it failed. */
    String text() {
        return text;
    }

    /** The result, in the schema of {@code movistream bench}; empty before there is one. */
    String json() {
        return json;
    }

    void start(final Settings settings) {
        running = true;
        json = "";
        new Thread(new Runnable() {
            @Override
            public void run() {
                measure(settings);
            }
        }, "benchmark").start();
    }

    private void measure(Settings settings) {
        Engine engine = null;
        try {
            ModelDescription model = loader.describe(settings);
            long start = System.nanoTime();
            engine = loader.open(model, settings).engine();
            double loadMs = (System.nanoTime() - start) / 1e6;
            Map<String, String> versions = new LinkedHashMap<>();
            versions.put("android", Build.VERSION.RELEASE);
            Machine machine = new Machine(
                    Build.MANUFACTURER + " " + Build.MODEL + " (" + Build.HARDWARE + ")",
                    versions);
            String found = new Benchmark(model, engine, settings.threads(), loadMs)
                    .run(machine, ROUNDS, FRAMES, new Benchmark.Progress() {
                        @Override
                        public boolean onRound(int done, int rounds) {
                            tell(context.getString(R.string.benchmark_progress, done, rounds),
                                    "", true);
                            return true;
                        }
                    });
            File file = new File(context.getExternalFilesDir(null), FILE_NAME);
            try (OutputStream out = new FileOutputStream(file)) {
                out.write(found.getBytes(StandardCharsets.UTF_8));
            }
            tell(summary(found, file), found, false);
        } catch (ModelException | EngineException error) {
            tell(String.valueOf(error.getMessage()), "", false);
        } catch (ModelStoreException | IOException error) {
            tell(context.getString(R.string.file_unreadable), "", false);
        } catch (LowMemoryException | OutOfMemoryError error) {
            tell(context.getString(R.string.low_memory), "", false);
        } finally {
            if (engine != null) {
                engine.close();
            }
        }
    }

    private String summary(String found, File file) throws ModelException {
        Map<?, ?> benchmark = (Map<?, ?>) Json.parse(found);
        Map<?, ?> result = (Map<?, ?>) ((List<?>) benchmark.get("results")).get(0);
        Map<?, ?> inference = (Map<?, ?>) result.get("inference_ms");
        Map<?, ?> preprocess = (Map<?, ?>) result.get("preprocess_ms");
        return context.getString(R.string.benchmark_result, result.get("name"),
                inference.get("median"), inference.get("p95"), preprocess.get("median"),
                file.getPath());
    }

    private void tell(final String newText, final String newJson, final boolean goesOn) {
        main.post(new Runnable() {
            @Override
            public void run() {
                text = newText;
                json = newJson;
                running = goesOn;
                if (listener != null) {
                    listener.onChange();
                }
            }
        });
    }
}
