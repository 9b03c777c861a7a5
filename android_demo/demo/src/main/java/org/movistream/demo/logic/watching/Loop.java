package org.movistream.demo.logic.watching;

/** A thread that does one thing after the other. */
public interface Loop {
    void post(Runnable task);

    void postLater(Runnable task, long delayMs);
}
