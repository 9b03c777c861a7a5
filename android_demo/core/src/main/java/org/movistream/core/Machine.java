package org.movistream.core;

import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;

/** Where and when figures were taken. */
public final class Machine {
    private static final List<String> TELLING_FEATURES = Arrays.asList(
            "avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "avx512_bf16",
            "asimd", "asimddp", "fphp", "asimdhp", "i8mm", "bf16", "sve");

    private final String cpu;
    private final Map<String, String> versions;

    /**
     * This machine.
     *
     * @param cpu its name; a phone's maker and model where the kernel does not tell.
     * @param versions of what runs, by name.
     */
    public Machine(String cpu, Map<String, String> versions) {
        this.cpu = cpu;
        this.versions = versions;
    }

    /** The CPU's name on a PC, or what else is given. */
    public static String cpuName(String otherwise) {
        String name = cpuField("model name");
        return name.isEmpty() ? otherwise : name;
    }

    Map<String, Object> asMap() {
        Map<String, Object> machine = new LinkedHashMap<>();
        machine.put("cpu", cpu);
        machine.put("cores", Runtime.getRuntime().availableProcessors());
        machine.put("features", features());
        machine.put("memory_bytes", ProcessMemory.machineBytes());
        machine.put("system", System.getProperty("os.name") + " "
                + System.getProperty("os.version") + " " + System.getProperty("os.arch"));
        machine.put("versions", versions);
        SimpleDateFormat format = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'+00:00'", Locale.US);
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        machine.put("taken_at", format.format(new Date()));
        return machine;
    }

    private static List<String> features() {
        String flags = cpuField("Features") + " " + cpuField("flags");
        List<String> found = new ArrayList<>(TELLING_FEATURES);
        found.retainAll(Arrays.asList(flags.split(" +")));
        return Collections.unmodifiableList(found);
    }

    private static String cpuField(String name) {
        return ProcFile.value("/proc/cpuinfo", name);
    }
}
