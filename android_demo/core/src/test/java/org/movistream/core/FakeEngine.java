package org.movistream.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An engine for {@link Manifests}: its new frame is the count of runs, its mean adds one, its
 * clock too, and its logits are the oldest and the newest past frame, the mean, and the clock.
 */
final class FakeEngine implements Engine {
    static final class Buffer implements TensorBuffer {
        final String madeFor;
        float value;
        private final List<Buffer> made;

        Buffer(String madeFor, List<Buffer> made) {
            this.madeFor = madeFor;
            this.made = made;
        }

        @Override
        public void close() {
            made.remove(this);
        }

        @Override
        public void write(float[] values) {
            value = values[0];
        }

        @Override
        public void write(byte[] values) {
            value = values[0];
        }

        @Override
        public void write(int[] values) {
            value = values[0];
        }

        @Override
        public void read(float[] into) {
            if (into.length > 1) {
                System.arraycopy(logits, 0, into, 0, into.length);
            } else {
                into[0] = value;
            }
        }

        @Override
        public void read(byte[] into) {
            into[0] = (byte) value;
        }

        @Override
        public void read(int[] into) {
            into[0] = (int) value;
        }

        float[] logits;
    }

    /** Buffers that nobody has closed. */
    final List<Buffer> made = new ArrayList<>();
    /** The engine fails to make more buffers than this. */
    int mostBuffers = Integer.MAX_VALUE;
    /** Logits by step, in the place of those above; null for none. */
    float[][] script;
    int runs;
    private final float[] logits = new float[4];

    @Override
    public List<String> inputNames() {
        return NAMES_IN;
    }

    @Override
    public List<String> outputNames() {
        return NAMES_OUT;
    }

    // Neither in the manifest's order.
    private static final List<String> NAMES_IN =
            Arrays.asList("m", "b2", "image", "b0", "clock", "b1");
    private static final List<String> NAMES_OUT = Arrays.asList("clock", "b", "logits", "m");

    @Override
    public TensorBuffer createInput(String name) throws EngineException {
        return make("in " + name);
    }

    @Override
    public TensorBuffer createOutput(String name) throws EngineException {
        return make("out " + name);
    }

    private Buffer make(String madeFor) throws EngineException {
        if (made.size() == mostBuffers) {
            throw new EngineException("no memory");
        }
        Buffer buffer = new Buffer(madeFor, made);
        buffer.logits = logits;
        made.add(buffer);
        return buffer;
    }

    @Override
    public void run(TensorBuffer[] inputs, TensorBuffer[] outputs) {
        runs++;
        compute(inputs, outputs);
        if (script != null) {
            System.arraycopy(script[runs - 1], 0, logits, 0, logits.length);
        }
    }

    private void compute(TensorBuffer[] inputs, TensorBuffer[] outputs) {
        logits[0] = ((Buffer) inputs[3]).value;
        logits[1] = ((Buffer) inputs[1]).value;
        logits[2] = ((Buffer) inputs[0]).value;
        logits[3] = ((Buffer) inputs[4]).value;
        ((Buffer) outputs[0]).value = logits[3] + 1;
        ((Buffer) outputs[1]).value = runs;
        ((Buffer) outputs[3]).value = logits[2] + 1;
    }

    @Override
    public String description() {
        return "fake";
    }

    @Override
    public void close() {}
}
