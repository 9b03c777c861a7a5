package org.movistream.demo.logic.watching;

/** Reads the process's memory every second, but only while the screen shows it. */
public final class MemoryMeter {
    /** In bytes; -1 if unknown. */
    public interface Gauge {
        long residentBytes();
    }

    static final long INTERVAL_MS = 1000;
    private static final double BYTES_PER_MB = 1e6;

    private final Gauge gauge;
    private final Loop loop;
    private final Latest latest;
    /** Counts showings, so that one that ended reads no more though another has begun. */
    private volatile int showing;
    private volatile boolean shown;

    public MemoryMeter(Gauge gauge, Loop loop, Latest latest) {
        this.gauge = gauge;
        this.loop = loop;
        this.latest = latest;
    }

    /** Of the main thread. */
    public void setShown(boolean isShown) {
        if (isShown == shown) {
            return;
        }
        shown = isShown;
        showing = showing + 1;
        if (isShown) {
            final int mine = showing;
            loop.post(new Runnable() {
                @Override
                public void run() {
                    if (mine == showing) {
                        read();
                        loop.postLater(this, INTERVAL_MS);
                    }
                }
            });
        }
    }

    private void read() {
        long bytes = gauge.residentBytes();
        if (bytes >= 0) {
            latest.addMemory(bytes / BYTES_PER_MB);
        }
    }
}
