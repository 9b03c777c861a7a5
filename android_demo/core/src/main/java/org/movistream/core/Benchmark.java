package org.movistream.core;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Measures a model step by step, and says so in the JSON of {@code movistream bench}.
 *
 * <p>What needs the whole graph ({@code activations}, {@code work}, {@code floor_ms},
 * {@code peak_rates}) is null or empty there; the Python program adds it from the same file.
 */
public final class Benchmark {
    private static final int CAMERA_WIDTH = 640;
    private static final int CAMERA_HEIGHT = 480;
    private static final int BLOCK = 16;
    private static final int SHIFT = 24;
    private static final double NOISY = 0.15;

    private final ModelDescription model;
    private final Engine engine;
    private final int threads;
    private final double loadMs;

    /** Is told how far a run is, and may end it. */
    public interface Progress {
        /** Whether to go on. */
        boolean onRound(int done, int rounds);
    }

    /**
     * @param threads that the engine was opened with.
     * @param loadMs that opening it took.
     */
    public Benchmark(ModelDescription model, Engine engine, int threads, double loadMs) {
        this.model = model;
        this.engine = engine;
        this.threads = threads;
        this.loadMs = loadMs;
    }

    /**
     * Steps a fresh stream through rounds of frames of a moving picture, each from a reset.
     *
     * @param rounds that count; one more comes before, to warm up.
     * @return the JSON, or null if the progress ended it.
     */
    public @Nullable String run(Machine machine, int rounds, int frames, Progress progress)
            throws ModelException, EngineException {
        long dirtyBefore = ProcessMemory.privateDirtyBytes();
        long residentBefore = ProcessMemory.residentBytes();
        try (Stream stream = new Stream(engine, model.manifest, 0)) {
            return run(stream, machine, rounds, frames, progress, dirtyBefore, residentBefore);
        }
    }

    private String run(Stream stream, Machine machine, int rounds, int frames, Progress progress,
            long dirtyBefore, long residentBefore) throws ModelException, EngineException {
        Preprocessor preprocessor = new Preprocessor(model.manifest.input);
        YuvFrame[] pictures = movingBlocks(frames);
        double[] preprocessMs = new double[rounds * frames];
        double[] inferenceMs = new double[rounds * frames];
        double[] medians = new double[rounds];
        List<Object> resident = new ArrayList<>();
        List<Object> peak = new ArrayList<>();
        double firstStepMs = 0;
        for (int round = -1; round < rounds; round++) {
            stream.reset();
            for (int frame = 0; frame < frames; frame++) {
                long start = System.nanoTime();
                Object prepared = preprocessor.prepare(pictures[frame]);
                long between = System.nanoTime();
                stream.step(prepared);
                long end = System.nanoTime();
                if (round >= 0) {
                    preprocessMs[round * frames + frame] = (between - start) / 1e6;
                    inferenceMs[round * frames + frame] = (end - between) / 1e6;
                } else if (frame == 0) {
                    firstStepMs = (end - start) / 1e6;
                }
            }
            if (round >= 0) {
                medians[round] = new Distribution(Arrays.copyOfRange(inferenceMs,
                        round * frames, (round + 1) * frames)).median();
            }
            resident.add(ProcessMemory.residentBytes());
            peak.add(ProcessMemory.peakBytes());
            if (!progress.onRound(round + 1, rounds)) {
                return null;
            }
        }
        Map<String, Object> memory = new LinkedHashMap<>();
        memory.put("resident_bytes", resident);
        memory.put("peak_bytes", peak);
        memory.put("peak_is_of_frame", false);
        memory.put("grown_bytes", ProcessMemory.privateDirtyBytes() - dirtyBefore);
        Map<String, Object> added = new LinkedHashMap<>();
        added.put("private_dirty_bytes", ProcessMemory.privateDirtyBytes() - dirtyBefore);
        added.put("resident_bytes", ProcessMemory.residentBytes() - residentBefore);
        Map<String, Object> start = new LinkedHashMap<>();
        start.put("engine", engine.description());
        start.put("arithmetic", "float32");
        start.put("load_ms", loadMs);
        start.put("first_step_ms", firstStepMs);
        start.put("added", added);
        Map<String, Object> result =
                result(start, memory, new Distribution(inferenceMs),
                        new Distribution(preprocessMs), noise(medians));
        Map<String, Object> benchmark = new LinkedHashMap<>();
        benchmark.put("machine", machine.asMap());
        benchmark.put("rounds", rounds);
        benchmark.put("frames", frames);
        benchmark.put("peak_rates", Collections.emptyList());
        benchmark.put("results", Collections.singletonList(result));
        benchmark.put("warnings", noise(medians) > NOISY ? Collections.singletonList(
                "this machine has other work, or slows down as it grows hot: the rounds differ")
                : Collections.emptyList());
        benchmark.put("errors", Collections.emptyList());
        return JsonWriter.write(benchmark);
    }

    private Map<String, Object> result(Map<String, Object> start, Map<String, Object> memory,
            Distribution inference, Distribution preprocessing, double noise) {
        String file = model.file.getName();
        Map<String, Object> contender = new LinkedHashMap<>();
        contender.put("path", file);
        contender.put("threads", threads);
        contender.put("engine", engine.description());
        contender.put("arithmetic", "float32");
        contender.put("weight_cache", null);
        contender.put("streams", 1);
        contender.put("published_loop", false);
        Map<String, Object> ratio = new LinkedHashMap<>();
        ratio.put("median", 1);
        ratio.put("lower", 1);
        ratio.put("upper", 1);
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("name", file.endsWith(".tflite") ? file.substring(0, file.length() - 7) : file);
        result.put("contender", contender);
        result.put("network", model.manifest.name);
        result.put("precision", model.manifest.quantization);
        result.put("file_bytes", model.fileBytes);
        result.put("weight_bytes", model.weightBytes);
        result.put("state_bytes", model.stateBytes());
        result.put("frames_per_second", 1e3 / (inference.median() + preprocessing.median()));
        result.put("start", start);
        result.put("inference_ms", inference.asMap());
        result.put("preprocess_ms", preprocessing.asMap());
        result.put("ratio", ratio);
        result.put("noise", noise);
        result.put("cosine_to_first", 1);
        result.put("memory_over_frames", memory);
        result.put("activations", null);
        result.put("work", Collections.emptyMap());
        result.put("floor_ms", null);
        return result;
    }

    /** The middle half's width of the round medians, as a share of their median. */
    private static double noise(double[] medians) {
        Distribution rounds = new Distribution(medians);
        return (rounds.percentile(75) - rounds.percentile(25)) / rounds.median();
    }

    /** A picture of coloured blocks that goes by, as a camera of 640 by 480 pixels sees it. */
    private static YuvFrame[] movingBlocks(int count) {
        Random random = new Random(0);
        byte[] blocks = new byte[CAMERA_WIDTH / BLOCK * (CAMERA_HEIGHT / BLOCK) * 3];
        random.nextBytes(blocks);
        YuvFrame[] frames = new YuvFrame[count];
        for (int index = 0; index < count; index++) {
            frames[index] = new YuvFrame();
            frames[index].set(CAMERA_WIDTH, CAMERA_HEIGHT, 0,
                    plane(blocks, 0, 1, SHIFT * index), CAMERA_WIDTH,
                    plane(blocks, 1, 2, SHIFT * index), plane(blocks, 2, 2, SHIFT * index),
                    CAMERA_WIDTH / 2, 1);
        }
        return frames;
    }

    private static ByteBuffer plane(byte[] blocks, int channel, int step, int shift) {
        int width = CAMERA_WIDTH / step;
        int height = CAMERA_HEIGHT / step;
        ByteBuffer plane = ByteBuffer.allocateDirect(width * height);
        for (int row = 0; row < height; row++) {
            for (int column = 0; column < width; column++) {
                int blockColumn = (column * step + shift) % CAMERA_WIDTH / BLOCK;
                int block = row * step / BLOCK * (CAMERA_WIDTH / BLOCK) + blockColumn;
                plane.put(blocks[3 * block + channel]);
            }
        }
        return plane;
    }
}
