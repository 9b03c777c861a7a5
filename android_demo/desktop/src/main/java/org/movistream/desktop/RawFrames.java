package org.movistream.desktop;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import org.movistream.core.YuvFrame;

/** Frames in planar YUV 4:2:0, full range (I420), one behind the other; two are held. */
final class RawFrames {
    private final DataInputStream source;
    private byte[] bytes;
    private byte[] bytesBefore;
    private YuvFrame frame;
    private YuvFrame frameBefore;

    RawFrames(InputStream source, int width, int height, int rotationDegrees) {
        this.source = new DataInputStream(new BufferedInputStream(source));
        int chromaWidth = (width + 1) / 2;
        int chromaBytes = chromaWidth * ((height + 1) / 2);
        bytes = new byte[width * height + 2 * chromaBytes];
        bytesBefore = new byte[bytes.length];
        frame = frame(bytes, width, height, rotationDegrees);
        frameBefore = frame(bytesBefore, width, height, rotationDegrees);
    }

    private static YuvFrame frame(byte[] bytes, int width, int height, int rotationDegrees) {
        int chromaWidth = (width + 1) / 2;
        int chromaBytes = chromaWidth * ((height + 1) / 2);
        ByteBuffer y = ByteBuffer.wrap(bytes, 0, width * height).slice();
        ByteBuffer u = ByteBuffer.wrap(bytes, width * height, chromaBytes).slice();
        ByteBuffer v = ByteBuffer.wrap(bytes, width * height + chromaBytes, chromaBytes).slice();
        YuvFrame frame = new YuvFrame();
        frame.set(width, height, rotationDegrees, y, width, u, v, chromaWidth, 1);
        return frame;
    }

    /** Reads the next frame; false at the end. */
    boolean next() throws IOException {
        int first = source.read();
        if (first < 0) {
            return false;
        }
        byte[] spareBytes = bytesBefore;
        bytesBefore = bytes;
        bytes = spareBytes;
        YuvFrame spare = frameBefore;
        frameBefore = frame;
        frame = spare;
        bytes[0] = (byte) first;
        try {
            source.readFully(bytes, 1, bytes.length - 1);
        } catch (EOFException error) {
            throw new IOException("the last frame is cut off; is the size right?");
        }
        return true;
    }

    /** The frame that was read last. */
    YuvFrame last() {
        return frame;
    }

    /** The one before it. */
    YuvFrame before() {
        return frameBefore;
    }
}
