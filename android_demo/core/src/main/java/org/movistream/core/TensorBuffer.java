package org.movistream.core;

/**
 * Memory of one tensor, made by an engine.
 *
 * <p>Of each pair of methods, only the one for the tensor's own element type may be called:
 * float32 is float[], int8 is byte[], int32 is int[]. Arrays have as many elements as the tensor.
 */
public interface TensorBuffer extends AutoCloseable {
    void write(float[] values) throws EngineException;

    void write(byte[] values) throws EngineException;

    void write(int[] values) throws EngineException;

    void read(float[] into) throws EngineException;

    void read(byte[] into) throws EngineException;

    void read(int[] into) throws EngineException;

    /**
     * Frees the memory, and lets its engine forget it; may be called again, and after the engine
     * was closed. Nothing else may be called afterwards.
     */
    @Override
    void close();
}
