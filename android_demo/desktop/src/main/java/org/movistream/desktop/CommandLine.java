package org.movistream.desktop;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.movistream.core.Benchmark;
import org.movistream.core.Engine;
import org.movistream.core.EngineException;
import org.movistream.core.Event;
import org.movistream.core.JsonWriter;
import org.movistream.core.Machine;
import org.movistream.core.ModelDescription;
import org.movistream.core.ModelException;
import org.movistream.core.Watch;
import org.movistream.core.YuvFrame;

/** The app's loop without a phone: raw frames in, a line of JSON for each out. */
public final class CommandLine {
    private static final String USAGE = "usage: (run|bench) LIBLITERT MODEL [--name VALUE]...\n"
            + "  run: reads frames in planar YUV 4:2:0, full range (I420), and prints JSON lines\n"
            + "    --frames FILE      or - for standard input (default)\n"
            + "    --size WxH         of the frames, 640x480 by default\n"
            + "    --rotation DEGREES clockwise, that brings them upright; 0 by default\n"
            + "    --fps RATE         of the frames; by default the model's\n"
            + "    --horizon FRAMES, --smoothing SECONDS, --top CLASSES\n"
            + "  bench: prints the JSON of movistream bench\n"
            + "    --rounds N, --frames-per-round N\n"
            + "  both: --threads N";

    private final Map<String, String> options = new HashMap<>();

    private CommandLine(String[] arguments) {
        for (int index = 3; index < arguments.length; index += 2) {
            if (!arguments[index].startsWith("--") || index + 1 == arguments.length) {
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
        String[] size = option("size", "640x480").split("x");
        int width = Integer.parseInt(size[0]);
        int height = Integer.parseInt(size[1]);
        double rate = Double.parseDouble(option("fps", "0"));
        if (rate <= 0) {
            rate = model.manifest.input.framesPerSecond > 0
                    ? model.manifest.input.framesPerSecond : 10;
        }
        String path = option("frames", "-");
        Engine engine =
                new LiteRtEngine(model.file, model.manifest.signature, number("threads", 1));
        try (InputStream source = path.equals("-") ? System.in : new FileInputStream(path)) {
            watch(model, engine, new DataInputStream(new BufferedInputStream(source)), width,
                    height, rate);
        }
        engine.close();
    }

    private void watch(ModelDescription model, Engine engine, DataInputStream source, int width,
            int height, double rate) throws ModelException, EngineException, IOException {
        Watch watch = new Watch(model.manifest, engine, number("horizon", 0),
                Double.parseDouble(option("smoothing", "0")), number("top", 3));
        int chromaWidth = (width + 1) / 2;
        int chromaBytes = chromaWidth * ((height + 1) / 2);
        byte[] bytes = new byte[width * height + 2 * chromaBytes];
        ByteBuffer y = ByteBuffer.wrap(bytes, 0, width * height).slice();
        ByteBuffer u = ByteBuffer.wrap(bytes, width * height, chromaBytes).slice();
        ByteBuffer v = ByteBuffer.wrap(bytes, width * height + chromaBytes, chromaBytes).slice();
        YuvFrame frame = new YuvFrame();
        frame.set(width, height, number("rotation", 0), y, width, u, v, chromaWidth, 1);
        while (fill(source, bytes)) {
            double timeS = watch.framesSeen() / rate;
            watch.see(frame, timeS);
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("frame", watch.framesSeen() - 1);
            line.put("time_s", timeS);
            line.put("top", predictions(model, watch));
            line.put("events", events(watch.ended));
            line.put("preprocess_ms", watch.preprocessMs);
            line.put("inference_ms", watch.inferenceMs);
            System.out.println(JsonWriter.write(line));
        }
        System.out.println(JsonWriter.write(
                Collections.singletonMap("events", events(watch.finish()))));
    }

    private static boolean fill(DataInputStream source, byte[] bytes) throws IOException {
        int first = source.read();
        if (first < 0) {
            return false;
        }
        bytes[0] = (byte) first;
        try {
            source.readFully(bytes, 1, bytes.length - 1);
        } catch (EOFException error) {
            throw new IOException("the last frame is cut off; is the size right?");
        }
        return true;
    }

    private static List<Object> predictions(ModelDescription model, Watch watch) {
        List<Object> predictions = new ArrayList<>();
        for (int index : watch.top) {
            Map<String, Object> prediction = new LinkedHashMap<>();
            prediction.put("label", model.manifest.label(index));
            prediction.put("score", watch.scores[index]);
            predictions.add(prediction);
        }
        return predictions;
    }

    private static List<Object> events(List<Event> events) {
        List<Object> lines = new ArrayList<>();
        for (Event event : events) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("label", event.label);
            line.put("start_s", event.startS);
            line.put("end_s", event.endS);
            line.put("peak_score", event.peakScore);
            lines.add(line);
        }
        return lines;
    }

    private void bench(ModelDescription model) throws ModelException, EngineException {
        int threads = number("threads", 1);
        long start = System.nanoTime();
        Engine engine = new LiteRtEngine(model.file, model.manifest.signature, threads);
        double loadMs = (System.nanoTime() - start) / 1e6;
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
        engine.close();
    }

    private String option(String name, String otherwise) {
        return options.containsKey(name) ? options.get(name) : otherwise;
    }

    private int number(String name, int otherwise) {
        return Integer.parseInt(option(name, String.valueOf(otherwise)));
    }
}
