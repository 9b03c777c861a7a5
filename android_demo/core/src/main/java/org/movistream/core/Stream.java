package org.movistream.core;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * One video's pass through a model, frame by frame.
 *
 * <p>After a step, each state's output buffer takes its place among the inputs and the oldest
 * buffer becomes the next step's output: handles move, nothing is copied. States that begin later
 * take no part in the first steps. A stream belongs to one thread at a time, and owns its engine's
 * run; nothing is allocated per step. Close it: an engine keeps the buffers of a stream that
 * nobody closes until it is closed itself.
 */
public final class Stream implements AutoCloseable {
    private final Engine engine;
    private final Manifest manifest;
    private final int imagePlace;
    private final int logitsPlace;
    private final Object storedLogits;
    private final float[] logits;
    /** By place of the input; null where it is the image. */
    private final Object[] initial;
    /** Frames from which on states take part, lowest first. */
    private final int[] beginnings;
    /** By beginning. */
    private final int[][] successors;
    private TensorBuffer[] inputs;
    private TensorBuffer[] outputs;
    private TensorBuffer[] nextInputs;
    private TensorBuffer[] nextOutputs;
    private final int horizonFrames;
    private final int[] clockPlaces;
    private final int[] clockDelays;
    private final float[] heldClock;
    private int framesSeen;
    private boolean isClosed;

    /**
     * A stream at the start of a video.
     *
     * @param horizonFrames after so many frames, running means forget; 0 for what the file says.
     * @throws ModelException if the file has states that are not carried here, or no clock that a
     *     horizon could hold.
     * @throws EngineException if the engine has no such tensors, or no memory.
     */
    public Stream(Engine engine, Manifest manifest, int horizonFrames)
            throws ModelException, EngineException {
        this.engine = engine;
        this.manifest = manifest;
        List<String> inputNames = engine.inputNames();
        List<String> outputNames = engine.outputNames();
        inputs = new TensorBuffer[inputNames.size()];
        outputs = new TensorBuffer[outputNames.size()];
        nextInputs = new TensorBuffer[inputs.length];
        nextOutputs = new TensorBuffer[outputs.length];
        initial = new Object[inputs.length];
        for (Manifest.State state : manifest.states) {
            Object values = Tensors.filled(state.dtype, state.elements(), state.initial);
            for (String name : state.inputs) {
                initial[inputNames.indexOf(name)] = values;
            }
        }
        logits = new float[manifest.logits.classes];
        storedLogits = manifest.logits.dtype == ElementType.FLOAT32 ? logits
                : Tensors.filled(manifest.logits.dtype, logits.length, 0);
        beginnings = findBeginnings(manifest);
        successors = new int[beginnings.length][];
        for (int index = 0; index < beginnings.length; index++) {
            successors[index] =
                    planRotation(manifest, inputNames, outputNames, beginnings[index]);
        }
        this.horizonFrames = horizonFrames > 0 ? horizonFrames : manifest.horizonFrames;
        List<Manifest.State> clocks = findClocks(manifest);
        clockPlaces = new int[clocks.size()];
        clockDelays = new int[clocks.size()];
        for (int index = 0; index < clockPlaces.length; index++) {
            clockPlaces[index] = inputNames.indexOf(clocks.get(index).inputs.get(0));
            clockDelays[index] = clocks.get(index).delayFrames;
        }
        if (horizonFrames > 0 && clockPlaces.length == 0) {
            throw new ModelException("the model has no clock that a horizon could hold; convert"
                    + " the checkpoint with the state layout 'frames'");
        }
        heldClock = new float[] {this.horizonFrames - 1};
        imagePlace = inputNames.indexOf(manifest.input.tensor);
        logitsPlace = outputNames.indexOf(manifest.logits.tensor);
        boolean isWhole = false;
        try {
            for (int place = 0; place < inputs.length; place++) {
                inputs[place] = engine.createInput(inputNames.get(place));
            }
            for (int place = 0; place < outputs.length; place++) {
                outputs[place] = engine.createOutput(outputNames.get(place));
            }
            reset();
            isWhole = true;
        } finally {
            if (!isWhole) {
                close();
            }
        }
    }

    /**
     * Runs one frame through the network.
     *
     * @param prepared the image tensor's values, as {@link Preprocessor} makes them: float[] or
     *     byte[], by the manifest's type.
     * @return the logits, one per class; valid until the next step.
     * @throws EngineException if the engine fails or the answer is not a number; the stream is
     *     unchanged.
     * @throws IllegalStateException if it is closed.
     */
    public float[] step(Object prepared) throws EngineException {
        requireOpen();
        Tensors.write(inputs[imagePlace], prepared);
        for (int index = 0; index < clockPlaces.length; index++) {
            long held = (long) horizonFrames + clockDelays[index];
            if (horizonFrames > 0 && framesSeen >= held) {
                inputs[clockPlaces[index]].write(heldClock);
            }
        }
        engine.run(inputs, outputs);
        readLogits();
        advance();
        framesSeen++;
        return logits;
    }

    /** Forgets everything: the next frame is the first of a video. */
    public void reset() throws EngineException {
        requireOpen();
        for (int place = 0; place < inputs.length; place++) {
            if (initial[place] != null) {
                Tensors.write(inputs[place], initial[place]);
            }
        }
        framesSeen = 0;
    }

    /** A copy of the stream's memory. */
    public Snapshot snapshot() throws EngineException {
        requireOpen();
        Object[] tensors = new Object[inputs.length];
        for (Manifest.State state : manifest.states) {
            for (String name : state.inputs) {
                int place = engine.inputNames().indexOf(name);
                tensors[place] = emptyLike(initial[place]);
                Tensors.read(inputs[place], tensors[place]);
            }
        }
        return new Snapshot(manifest.digest, framesSeen, tensors);
    }

    /**
     * Goes back to a snapshot of this or another stream of the same model.
     *
     * @throws IllegalArgumentException if it was taken from another model.
     */
    public void restore(Snapshot snapshot) throws EngineException {
        requireOpen();
        if (!snapshot.digest.equals(manifest.digest)) {
            throw new IllegalArgumentException(
                    "the snapshot is of another model than " + manifest.name);
        }
        for (int place = 0; place < inputs.length; place++) {
            if (snapshot.tensors[place] != null) {
                Tensors.write(inputs[place], snapshot.tensors[place]);
            }
        }
        framesSeen = snapshot.framesSeen;
    }

    /** Frames stepped since the start, the last reset, or the restored snapshot's start. */
    public int framesSeen() {
        return framesSeen;
    }

    /** Gives its buffers back to the engine; may be called again. */
    @Override
    public void close() {
        isClosed = true;
        closeAll(inputs);
        closeAll(outputs);
    }

    private static void closeAll(TensorBuffer[] buffers) {
        for (int place = 0; place < buffers.length; place++) {
            if (buffers[place] != null) {
                buffers[place].close();
                buffers[place] = null;
            }
        }
    }

    private void requireOpen() {
        if (isClosed) {
            throw new IllegalStateException("the stream is closed; open another one");
        }
    }

    /** The handles of a state's buffers now, oldest first; tests follow their rotation. */
    TensorBuffer input(String name) {
        return inputs[engine.inputNames().indexOf(name)];
    }

    private void readLogits() throws EngineException {
        Tensors.read(outputs[logitsPlace], storedLogits);
        float scale = (float) manifest.logits.scale;
        boolean finite = true;
        for (int index = 0; index < logits.length; index++) {
            if (storedLogits instanceof byte[]) {
                logits[index] = (((byte[]) storedLogits)[index] - manifest.logits.zeroPoint)
                        * scale;
            } else if (storedLogits instanceof int[]) {
                logits[index] = (((int[]) storedLogits)[index] - manifest.logits.zeroPoint)
                        * scale;
            }
            finite &= Math.abs(logits[index]) <= Float.MAX_VALUE;
        }
        if (!finite) {
            throw new EngineException("the model's answer to frame " + framesSeen + " is not a"
                    + " number: its weights are damaged, or too large for its arithmetic");
        }
    }

    private void advance() {
        int inputCount = inputs.length;
        int begun = beginnings.length - 1;
        while (beginnings[begun] > framesSeen) {
            begun--;
        }
        int[] rotation = successors[begun];
        for (int place = 0; place < rotation.length; place++) {
            int from = rotation[place];
            TensorBuffer buffer = from < inputCount ? inputs[from] : outputs[from - inputCount];
            if (place < inputCount) {
                nextInputs[place] = buffer;
            } else {
                nextOutputs[place - inputCount] = buffer;
            }
        }
        TensorBuffer[] spare = inputs;
        inputs = nextInputs;
        nextInputs = spare;
        spare = outputs;
        outputs = nextOutputs;
        nextOutputs = spare;
    }

    private static int[] findBeginnings(Manifest manifest) {
        TreeSet<Integer> found = new TreeSet<>();
        found.add(0);
        for (Manifest.State state : manifest.states) {
            found.add(state.delayFrames);
        }
        int[] beginnings = new int[found.size()];
        int count = 0;
        for (int frame : found) {
            beginnings[count++] = frame;
        }
        return beginnings;
    }

    /**
     * For each place of a buffer, inputs first, the place of the one that takes it.
     *
     * @param framesSeen before the step.
     */
    private static int[] planRotation(Manifest manifest, List<String> inputNames,
            List<String> outputNames, int framesSeen) {
        int inputCount = inputNames.size();
        int[] successors = new int[inputCount + outputNames.size()];
        for (int place = 0; place < successors.length; place++) {
            successors[place] = place;
        }
        for (Manifest.State state : manifest.states) {
            if (state.delayFrames > framesSeen) {
                continue;
            }
            int first = inputNames.indexOf(state.inputs.get(0));
            int place = first;
            for (int frame = 1; frame < state.inputs.size(); frame++) {
                int next = inputNames.indexOf(state.inputs.get(frame));
                successors[place] = next;
                place = next;
            }
            int output = inputCount + outputNames.indexOf(state.output);
            successors[place] = output;
            successors[output] = first;
        }
        return successors;
    }

    /** What a horizon holds. */
    static List<Manifest.State> findClocks(Manifest manifest) {
        List<Manifest.State> clocks = new ArrayList<>();
        for (Manifest.State state : manifest.states) {
            boolean scalar = state.shape.length == 2 && state.elements() == 1;
            if (state.role == Manifest.Role.CLOCK && scalar
                    && state.dtype == ElementType.FLOAT32) {
                clocks.add(state);
            }
        }
        return clocks;
    }

    private static Object emptyLike(Object values) {
        if (values instanceof float[]) {
            return new float[((float[]) values).length];
        }
        return values instanceof byte[] ? new byte[((byte[]) values).length]
                : new int[((int[]) values).length];
    }
}
