package org.movistream.demo;

import android.os.Handler;
import android.os.HandlerThread;
import android.os.Looper;
import java.util.concurrent.Executor;
import org.movistream.demo.logic.watching.Loop;

/** A thread with a looper, or the main one. */
final class HandlerLoop implements Loop, Executor {
    private final Handler handler;

    private HandlerLoop(Looper looper) {
        handler = new Handler(looper);
    }

    static HandlerLoop main() {
        return new HandlerLoop(Looper.getMainLooper());
    }

    static HandlerLoop thread(String name) {
        HandlerThread thread = new HandlerThread(name);
        thread.start();
        return new HandlerLoop(thread.getLooper());
    }

    Handler handler() {
        return handler;
    }

    @Override
    public void post(Runnable task) {
        handler.post(task);
    }

    @Override
    public void execute(Runnable task) {
        handler.post(task);
    }

    @Override
    public void postLater(Runnable task, long delayMs) {
        handler.postDelayed(task, delayMs);
    }
}
