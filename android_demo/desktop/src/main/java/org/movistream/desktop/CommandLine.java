package org.movistream.desktop;

import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.movistream.core.Benchmark;
import org.movistream.core.Engine;
import org.movistream.core.EngineException;
import org.movistream.core.Machine;
import org.movistream.core.Manifest;
import org.movistream.core.ModelDescription;
import org.movistream.core.ModelException;
import org.movistream.core.Watch;
import org.movistream.core.WatchOptions;

/** The app's path of a video without a phone: raw frames in, lines of JSON out. */
public final class CommandLine {
    private static final String USAGE = "usage: (run|bench) LIBLITERT MODEL [--name VALUE]...\n"
            + "  run: reads a video's frames in planar YUV 4:2:0, full range (I420), and prints\n"
            + "    the lines of movistream run --json --events\n"
            + "    --frames FILE      or - for standard input (default)\n"
            + "    --size WxH         of the frames, 640x480 by default\n"
            + "    --rotation DEGREES clockwise, that brings them upright; 0 by default\n"
            + "    --source-fps RATE  of the frames; by default the model's\n"
            + "    --times FILE       seconds of each frame, a line each, in their place\n"
            + "    --fps RATE         that the network sees; by default the model's\n"
            + "    --horizon FRAMES, --top CLASSES, --temperature DIVISOR\n"
            + "    --smoothing SECONDS, --enter SCORE, --leave SCORE, --shortest SECONDS: by\n"
            + "                       default as the model says\n"
            + "    --reset-on-cut true, --reset-after-gap SECONDS, --reset-every SECONDS\n"
            + "    --logits true      print them, too\n"
            + "  bench: prints the JSON of movistream bench\n"
            + "    --rounds N, --frames-per-round N\n"
            + "  both: --threads N";
    private static final List<String> NAMES = Arrays.asList("frames", "size", "rotation",
            "source-fps", "times", "fps", "horizon", "top", "temperature", "smoothing", "enter",
            "leave", "shortest", "reset-on-cut", "reset-after-gap", "reset-every", "logits",
            "rounds", "frames-per-round", "threads");
    private static final double RATE_OF_NO_MODEL = 10;

    private final Map<String, String> options = new HashMap<>();

    private CommandLine(String[] arguments) {
        for (int index = 3; index < arguments.length; index += 2) {
            if (!arguments[index].startsWith("--") || index + 1 == arguments.length
                    || !NAMES.contains(arguments[index].substring(2))) {
                throw new IllegalArgumentException(USAGE);
            }
            options.put(arguments[index].substring(2), arguments[index + 1]);
        }
    }

    /** See the usage; exits with 1 and a line on standard error where something is wrong. */
    public static void main(String[] arguments) {
        try {
            if (arguments.length < 3) {
                throw new IllegalArgumentException(USAGE);
            }
            CommandLine line = new CommandLine(arguments);
            LiteRtEngine.loadLibrary(new File(arguments[1]));
            ModelDescription model = ModelDescription.read(new File(arguments[2]));
            if (arguments[0].equals("run")) {
                line.run(model);
            } else if (arguments[0].equals("bench")) {
                line.bench(model);
            } else {
                throw new IllegalArgumentException(USAGE);
            }
        } catch (ModelException | EngineException | IOException
                | IllegalArgumentException error) {
            System.err.println(error.getMessage());
            System.exit(1);
        }
    }

    private void run(ModelDescription model)
            throws ModelException, EngineException, IOException {
        Manifest manifest = model.manifest;
        String[] size = option("size", "640x480").split("x");
        if (size.length != 2) {
            throw new IllegalArgumentException(USAGE);
        }
        double modelRate = manifest.input.framesPerSecond;
        double sourceRate =
                real("source-fps", modelRate > 0 ? modelRate : RATE_OF_NO_MODEL);
        String path = option("frames", "-");
        ResultLines lines = new ResultLines(path, manifest, truth("logits"));
        try (Engine engine = new LiteRtEngine(
                        model.file, manifest.signature, number("threads", 1));
                Watch watch = new Watch(manifest, engine, watchOptions());
                InputStream source = path.equals("-") ? System.in : new FileInputStream(path);
                BufferedReader times = times()) {
            new Recording(watch, lines, sourceRate, times).run(
                    new RawFrames(source, Integer.parseInt(size[0]), Integer.parseInt(size[1]),
                            number("rotation", 0)),
                    real("fps", modelRate));
        }
    }

    private WatchOptions watchOptions() {
        return WatchOptions.defaults()
                .withHorizon(number("horizon", 0))
                .withTop(number("top", WatchOptions.DEFAULT_TOP))
                .withTemperature(real("temperature", WatchOptions.DEFAULT_TEMPERATURE))
                .withSmoothing(given("smoothing"))
                .withEvents(given("enter"), given("leave"), given("shortest"))
                .withResets(truth("reset-on-cut"), real("reset-after-gap", 0),
                        real("reset-every", 0));
    }

    private BufferedReader times() throws IOException {
        return options.containsKey("times")
                ? Files.newBufferedReader(Paths.get(options.get("times"))) : null;
    }

    private void bench(ModelDescription model) throws ModelException, EngineException {
        int threads = number("threads", 1);
        long start = System.nanoTime();
        try (Engine engine = new LiteRtEngine(model.file, model.manifest.signature, threads)) {
            bench(model, engine, threads, (System.nanoTime() - start) / 1e6);
        }
    }

    private void bench(ModelDescription model, Engine engine, int threads, double loadMs)
            throws ModelException, EngineException {
        Map<String, String> versions = new LinkedHashMap<>();
        versions.put("java", System.getProperty("java.version"));
        Machine machine = new Machine(Machine.cpuName("unknown"), versions);
        Benchmark benchmark = new Benchmark(model, engine, threads, loadMs);
        System.out.println(benchmark.run(machine, number("rounds", 10),
                number("frames-per-round", 20), new Benchmark.Progress() {
                    @Override
                    public boolean onRound(int done, int rounds) {
                        return true;
                    }
                }));
    }

    private String option(String name, String otherwise) {
        return options.containsKey(name) ? options.get(name) : otherwise;
    }

    private double real(String name, double otherwise) {
        return Double.parseDouble(option(name, String.valueOf(otherwise)));
    }

    /** Null where it is left to the model. */
    private Double given(String name) {
        return options.containsKey(name) ? Double.valueOf(options.get(name)) : null;
    }

    private boolean truth(String name) {
        return Boolean.parseBoolean(option(name, "false"));
    }

    private int number(String name, int otherwise) {
        return Integer.parseInt(option(name, String.valueOf(otherwise)));
    }
}
