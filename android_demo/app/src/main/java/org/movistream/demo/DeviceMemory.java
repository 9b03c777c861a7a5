package org.movistream.demo;

import android.app.ActivityManager;
import android.content.Context;
import org.movistream.demo.logic.engines.MemoryGauge;

/** What the system says of its memory, at the time of the question. */
final class DeviceMemory implements MemoryGauge {
    private final ActivityManager manager;

    DeviceMemory(Context context) {
        manager = context.getSystemService(ActivityManager.class);
    }

    @Override
    public boolean isLow() {
        return read().lowMemory;
    }

    @Override
    public long availableBytes() {
        return read().availMem;
    }

    private ActivityManager.MemoryInfo read() {
        ActivityManager.MemoryInfo memory = new ActivityManager.MemoryInfo();
        manager.getMemoryInfo(memory);
        return memory;
    }
}
