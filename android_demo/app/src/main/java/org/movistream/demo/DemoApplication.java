package org.movistream.demo;

import android.app.Application;
import org.movistream.core.ProcessMemory;
import org.movistream.core.YuvFrame;
import org.movistream.demo.logic.engines.EngineChoice;
import org.movistream.demo.logic.models.Disk;
import org.movistream.demo.logic.models.ModelShelf;
import org.movistream.demo.logic.settings.Settings;
import org.movistream.demo.logic.settings.SettingsStore;
import org.movistream.demo.logic.watching.MemoryMeter;
import org.movistream.demo.logic.watching.MemoryPressure;
import org.movistream.demo.logic.watching.Note;
import org.movistream.demo.logic.watching.NoteKind;
import org.movistream.demo.logic.watching.StatusBoard;
import org.movistream.demo.logic.watching.Watcher;

/** Holds what outlives a turn of the screen: the watcher, the camera, the models. */
public final class DemoApplication extends Application {
    private final HandlerLoop main = HandlerLoop.main();
    private final StatusBoard board = new StatusBoard();
    private KeptPreferences preferences;
    private SettingsStore settings;
    private Words words;
    private ModelShelf shelf;
    private Watcher<YuvFrame> watcher;
    private MemoryMeter meter;
    private Camera camera;
    private ModelPick pick;
    private BenchmarkRun benchmarkRun;

    @Override
    public void onCreate() {
        super.onCreate();
        preferences = new KeptPreferences(this);
        settings = new SettingsStore(preferences);
        words = new Words(this);
        shelf = new ModelShelf(getFilesDir(), new AssetBox(getAssets()), ModelShelf.WHOLE_FILE,
                new Disk());
        ModelLoader loader =
                new ModelLoader(shelf, new EngineChoice(new DeviceMemory(this)), words);
        Settings kept = settings.read(
                Settings.initial(Runtime.getRuntime().availableProcessors()));
        HandlerLoop inference = HandlerLoop.thread("inference");
        watcher = new Watcher<>(loader, inference, main, kept);
        meter = new MemoryMeter(new MemoryMeter.Gauge() {
            @Override
            public long residentBytes() {
                return ProcessMemory.residentBytes();
            }
        }, inference, watcher.latest());
        camera = new Camera(this, inference, main, watcher, kept.facing());
        pick = new ModelPick(this, main);
        benchmarkRun = new BenchmarkRun(this, loader);
    }

    @Override
    public void onTrimMemory(int level) {
        super.onTrimMemory(level);
        switch (MemoryPressure.of(level)) {
            case GIVE_BACK:
                watcher.giveBack();
                break;
            case STOP:
                watcher.stopFor(Note.of(NoteKind.LOW_MEMORY));
                break;
            default:
        }
    }

    /** Keeps what was chosen, and watches by it. */
    void change(Settings chosen) {
        settings.write(chosen);
        watcher.change(chosen);
    }

    StatusBoard board() {
        return board;
    }

    KeptPreferences preferences() {
        return preferences;
    }

    Words words() {
        return words;
    }

    ModelShelf shelf() {
        return shelf;
    }

    Watcher<YuvFrame> watcher() {
        return watcher;
    }

    MemoryMeter meter() {
        return meter;
    }

    Camera camera() {
        return camera;
    }

    ModelPick pick() {
        return pick;
    }

    BenchmarkRun benchmarkRun() {
        return benchmarkRun;
    }
}
