package org.movistream.core;

import java.util.List;

/**
 * What runs a step graph, on buffers that a stream owns, so that a state moves from a step's
 * output to the next step's input by exchanging buffers.
 *
 * <p>Not for two threads at once.
 */
public interface Engine extends AutoCloseable {
    /** Of the signature, in the order that {@link #run} takes buffers. */
    List<String> inputNames();

    /** Likewise. */
    List<String> outputNames();

    /** A buffer that fits an input; it fits an output of the same shape and type too. */
    TensorBuffer createInput(String name) throws EngineException;

    /** A buffer that fits an output. */
    TensorBuffer createOutput(String name) throws EngineException;

    /** Computes the outputs from the inputs. */
    void run(TensorBuffer[] inputs, TensorBuffer[] outputs) throws EngineException;

    /** What runs: for people, and for benchmark results. */
    String description();

    /**
     * Frees what the engine holds, the buffers included that nobody has closed; may be called
     * again. Nothing else may be called afterwards.
     */
    @Override
    void close();
}
