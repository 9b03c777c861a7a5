package org.movistream.core;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** Memory of this process, as Linux accounts it; in bytes. */
public final class ProcessMemory {
    private static final int BYTES_PER_KB = 1024;

    private ProcessMemory() {}

    /** All that is in memory, mapped files and shared libraries included; -1 if unknown. */
    public static long residentBytes() {
        return field("/proc/self/status", "VmRSS:");
    }

    /** The highest resident memory since the process began; -1 if unknown. */
    public static long peakBytes() {
        return field("/proc/self/status", "VmHWM:");
    }

    /** In no file and in no other process; -1 if unknown, as on kernels before 4.14. */
    public static long privateDirtyBytes() {
        return field("/proc/self/smaps_rollup", "Private_Dirty:");
    }

    /** Of the machine; -1 if unknown. */
    static long machineBytes() {
        return field("/proc/meminfo", "MemTotal:");
    }

    private static long field(String path, String name) {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                new FileInputStream(path), StandardCharsets.US_ASCII))) {
            String line;
            while ((line = reader.readLine()) != null) {
                if (line.startsWith(name)) {
                    String[] words = line.substring(name.length()).trim().split(" +");
                    return Long.parseLong(words[0]) * BYTES_PER_KB;
                }
            }
        } catch (IOException | NumberFormatException error) {
            return -1;
        }
        return -1;
    }
}
