package org.movistream.core;

/** Memory of this process, as Linux accounts it; in bytes. */
public final class ProcessMemory {
    private static final int BYTES_PER_KB = 1024;

    private ProcessMemory() {}

    /** All that is in memory, mapped files and shared libraries included; -1 if unknown. */
    public static long residentBytes() {
        return field("/proc/self/status", "VmRSS");
    }

    /** The highest resident memory since the process began; -1 if unknown. */
    public static long peakBytes() {
        return field("/proc/self/status", "VmHWM");
    }

    /** In no file and in no other process; -1 if unknown, as on kernels before 4.14. */
    public static long privateDirtyBytes() {
        return field("/proc/self/smaps_rollup", "Private_Dirty");
    }

    /** Of the machine; -1 if unknown. */
    static long machineBytes() {
        return field("/proc/meminfo", "MemTotal");
    }

    private static long field(String path, String name) {
        String value = ProcFile.value(path, name);
        return value.endsWith(" kB")
                ? Long.parseLong(value.substring(0, value.length() - 3).trim()) * BYTES_PER_KB : -1;
    }
}
