package org.movistream.demo;

import android.app.Application;

/** Holds what outlives a turn of the screen: the watcher with its model and states. */
public final class DemoApplication extends Application {
    private Watcher watcher;
    private BenchmarkRun benchmarkRun;

    @Override
    public void onCreate() {
        super.onCreate();
        watcher = new Watcher(this);
        benchmarkRun = new BenchmarkRun(this);
    }

    @Override
    public void onTrimMemory(int level) {
        super.onTrimMemory(level);
        if (level == TRIM_MEMORY_RUNNING_CRITICAL || level >= TRIM_MEMORY_MODERATE) {
            watcher.unload(getString(R.string.low_memory));
        }
    }

    Watcher watcher() {
        return watcher;
    }

    BenchmarkRun benchmarkRun() {
        return benchmarkRun;
    }
}
