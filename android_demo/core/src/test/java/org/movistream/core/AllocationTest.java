package org.movistream.core;

import static org.junit.Assert.assertEquals;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import org.junit.Test;

/** The hot path, from a camera's planes to scores and events, makes no garbage. */
public final class AllocationTest {
    private static final int WINDOWS = 10;
    private static final int FRAMES = 2_000;

    @Test
    public void nothingIsAllocatedPerFrame() throws Exception {
        for (int rotation = 0; rotation < 360; rotation += 90) {
            assertEquals(0, allocatedBytes(Manifests.ofClasses(4), rotation));
            Manifest int8 = Manifests.of(4, "int8", "[-128,127]", "");
            assertEquals(0, allocatedBytes(int8, rotation));
            Manifest several = Manifests.watched(0, 0, "sigmoid", "{'enter':[1,1,1,1],"
                    + "'leave':[0,0,0,0],'shortest_s':0.5,'smoothing_s':0.3}");
            assertEquals(0, allocatedBytes(several, rotation));
        }
    }

    private static long allocatedBytes(Manifest manifest, int rotation) throws Exception {
        Watch watch = new Watch(manifest, new FakeEngine(), WatchOptions.defaults()
                .withHorizon(5).withSmoothing(0.3).withTop(3).withResets(true, 5, 0));
        ByteBuffer y = ByteBuffer.allocateDirect(64 * 48);
        ByteBuffer chroma = ByteBuffer.allocateDirect(64 * 24);
        YuvFrame frame = new YuvFrame();
        FramePacer pacer = new FramePacer(10);
        com.sun.management.ThreadMXBean threads =
                (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().getId();
        long fewest = Long.MAX_VALUE;
        int seen = 0;
        // What frames allocate shows in every window; the JVM's own rare objects do not.
        for (int window = 0; window < WINDOWS; window++) {
            long before = threads.getThreadAllocatedBytes(thread);
            for (int index = 0; index < FRAMES; index++) {
                frame.set(64, 48, rotation, y, 64, chroma, chroma, 64, 2);
                double timeS = window * FRAMES + index;
                if (pacer.isDue(timeS)) {
                    watch.see(frame, pacer.timeS(), 1_000_000L + index);
                    seen++;
                }
            }
            fewest = Math.min(fewest, threads.getThreadAllocatedBytes(thread) - before);
        }
        assertEquals(WINDOWS * FRAMES, seen);
        return fewest;
    }
}
