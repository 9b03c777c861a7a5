package com.google.ai.edge.litert;

/** As LiteRT 2.3.0 declares it, as far as the app uses it. */
public final class TensorBuffer extends JniHandle {
    private TensorBuffer() {}

    public void writeInt(int[] data) throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }

    public void writeFloat(float[] data) throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }

    public void writeInt8(byte[] data) throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }

    public int[] readInt() throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }

    public float[] readFloat() throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }

    public byte[] readInt8() throws LiteRtException {
        throw new LinkageError("a stub, to compile against");
    }
}
