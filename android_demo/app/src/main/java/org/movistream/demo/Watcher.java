package org.movistream.demo;

import android.content.Context;
import android.media.Image;
import android.media.ImageReader;
import android.net.Uri;
import android.os.Handler;
import android.os.HandlerThread;
import android.os.Looper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.movistream.core.Engine;
import org.movistream.core.EngineException;
import org.movistream.core.FramePacer;
import org.movistream.core.Manifest;
import org.movistream.core.ModelDescription;
import org.movistream.core.ModelException;
import org.movistream.core.ProcessMemory;
import org.movistream.core.Watch;
import org.movistream.core.WatchOptions;
import org.movistream.core.YuvFrame;

/**
 * The model at work, on a thread of its own.
 *
 * <p>Lives as long as the process, so that states survive a turn of the screen; they are dropped
 * when the model or its settings change. Only the newest camera frame is looked at.
 */
final class Watcher implements ImageReader.OnImageAvailableListener {
    /** Is told on the main thread. */
    interface Listener {
        /** There is something new in {@link #latest}. */
        void onResult();

        /** The status or the message has changed. */
        void onStatus();
    }

    private static final long MEMORY_INTERVAL_MS = 1000;
    private static final double BYTES_PER_MB = 1e6;

    final Latest latest = new Latest();

    private final Context context;
    private final ModelStore store;
    private final Engines engines;
    private final Handler main = new Handler(Looper.getMainLooper());
    private final Handler inference;
    private final YuvFrame frame = new YuvFrame();

    // Of the main thread.
    private Listener listener;

    // Written by one thread, read by another.
    private volatile Settings settings = Settings.initial();
    private volatile boolean running;
    private volatile int rotationDegrees;
    private volatile String modelName = "";
    private volatile String engineName = "";
    private volatile String message = "";

    // Of the inference thread.
    private Engine engine;
    private Watch watch;
    private FramePacer pacer;
    private List<String> labels;

    private final Runnable tellResult = new Runnable() {
        @Override
        public void run() {
            if (listener != null) {
                listener.onResult();
            }
        }
    };
    private final Runnable tellStatus = new Runnable() {
        @Override
        public void run() {
            if (listener != null) {
                listener.onStatus();
            }
        }
    };
    private final Runnable readMemory = new Runnable() {
        @Override
        public void run() {
            long bytes = ProcessMemory.residentBytes();
            if (bytes >= 0) {
                latest.memoryMb.add((float) (bytes / BYTES_PER_MB));
            }
            inference.postDelayed(this, MEMORY_INTERVAL_MS);
        }
    };

    Watcher(Context context) {
        this.context = context;
        store = new ModelStore(context);
        engines = new Engines(context);
        HandlerThread thread = new HandlerThread("inference");
        thread.start();
        inference = new Handler(thread.getLooper());
        inference.post(readMemory);
    }

    /** @param listener null for none. */
    void setListener(Listener listener) {
        this.listener = listener;
    }

    /** Where camera frames are to be delivered. */
    Handler inferenceHandler() {
        return inference;
    }

    Settings settings() {
        return settings;
    }

    boolean isRunning() {
        return running;
    }

    /** Of the network in use; empty while none is loaded. */
    String modelName() {
        return modelName;
    }

    String engineName() {
        return engineName;
    }

    /** Something that went wrong, or was done otherwise than asked; mostly empty. */
    String message() {
        return message;
    }

    /** Clockwise, what brings camera frames upright on the screen as it is held now. */
    void setRotationDegrees(int degrees) {
        rotationDegrees = degrees;
    }

    /** Looks at frames from now on; loads the model first if there is none. */
    void start() {
        running = true;
        show("");
        inference.post(new Runnable() {
            @Override
            public void run() {
                if (watch == null) {
                    load();
                }
            }
        });
    }

    /** Looks no more; states stay. */
    void stop() {
        running = false;
        main.post(tellStatus);
    }

    /** Begins a new video. */
    void reset() {
        inference.post(new Runnable() {
            @Override
            public void run() {
                latest.clear();
                if (watch != null) {
                    try {
                        watch.reset();
                        pacer.reset();
                    } catch (EngineException error) {
                        fail(error.getMessage());
                    }
                }
                main.post(tellResult);
            }
        });
    }

    /** Drops model and states, and loads anew. */
    void change(final Settings chosen) {
        settings = chosen;
        inference.post(new Runnable() {
            @Override
            public void run() {
                drop();
                load();
            }
        });
    }

    /** Copies a document that a person picked, and changes to it. */
    void pick(final Uri document) {
        inference.post(new Runnable() {
            @Override
            public void run() {
                try {
                    String name = store.take(document);
                    change(settings.withModel(name));
                } catch (IOException error) {
                    fail(error.getMessage());
                }
            }
        });
    }

    /** Frees the model, and says why. */
    void unload(final String reason) {
        inference.post(new Runnable() {
            @Override
            public void run() {
                if (watch != null) {
                    drop();
                    fail(reason);
                }
            }
        });
    }

    /** Shows a message; empty for none. */
    void show(String text) {
        message = text;
        main.post(tellStatus);
    }

    /** The newest frame, on the inference thread. */
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
            if (running && watch != null && pacer.isDue(image.getTimestamp() / 1e9)) {
                look(image, pacer.timeS());
            }
        } finally {
            image.close();
        }
    }

    private void look(Image image, double timeS) {
        Image.Plane[] planes = image.getPlanes();
        try {
            frame.set(image.getWidth(), image.getHeight(), rotationDegrees,
                    planes[0].getBuffer(), planes[0].getRowStride(),
                    planes[1].getBuffer(), planes[2].getBuffer(),
                    planes[1].getRowStride(), planes[1].getPixelStride());
            watch.see(frame, timeS, System.currentTimeMillis());
            latest.take(watch, labels, timeS);
            main.post(tellResult);
        } catch (EngineException | IllegalArgumentException error) {
            drop();
            fail(error.getMessage());
        }
    }

    private void load() {
        show(context.getString(R.string.status_loading));
        try {
            ModelDescription model = ModelDescription.read(store.file(settings.model));
            Manifest manifest = model.manifest;
            engine = engines.open(model, settings);
            watch = new Watch(manifest, engine, WatchOptions.ofCamera()
                    .withHorizon(engines.horizonFrames(model, settings))
                    .withTop(Latest.TOP));
            pacer = new FramePacer(manifest.input.framesPerSecond);
            labels = new ArrayList<>();
            for (int index = 0; index < manifest.logits.classes; index++) {
                labels.add(manifest.label(index));
            }
            latest.clear();
            modelName = manifest.name + " (" + manifest.quantization + ")";
            engineName = engine.description();
            show(engines.notice == null ? "" : engines.notice);
        } catch (ModelException | EngineException error) {
            drop();
            fail(error.getMessage());
        } catch (IOException error) {
            drop();
            fail(context.getString(R.string.file_unreadable));
        } catch (OutOfMemoryError error) {
            drop();
            fail(context.getString(R.string.low_memory));
        }
    }

    private void drop() {
        if (watch != null) {
            watch.close();
        }
        if (engine != null) {
            engine.close();
        }
        engine = null;
        watch = null;
        modelName = "";
        engineName = "";
        latest.clear();
    }

    private void fail(String reason) {
        running = false;
        show(reason);
    }
}
