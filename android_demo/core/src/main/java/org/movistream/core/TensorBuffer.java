package org.movistream.core;

/**
 * Memory of one tensor, owned by the engine that made it.
 *
 * <p>Of each pair of methods, only the one for the tensor's own element type may be called:
 * float32 is float[], int8 is byte[], int32 is int[]. Arrays have as many elements as the tensor.
 */
public interface TensorBuffer {
    void write(float[] values) throws EngineException;

    void write(byte[] values) throws EngineException;

    void write(int[] values) throws EngineException;

    void read(float[] into) throws EngineException;

    void read(byte[] into) throws EngineException;

    void read(int[] into) throws EngineException;
}
