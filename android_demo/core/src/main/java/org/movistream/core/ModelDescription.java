package org.movistream.core;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** A model file that has been checked: what a stream over it needs to know. */
public final class ModelDescription {
    public final File file;
    public final Manifest manifest;
    public final long fileBytes;
    /** Bytes of the constant tensors. */
    public final long weightBytes;

    private ModelDescription(File file, Manifest manifest, long fileBytes, long weightBytes) {
        this.file = file;
        this.manifest = manifest;
        this.fileBytes = fileBytes;
        this.weightBytes = weightBytes;
    }

    /**
     * Reads and checks a file before an engine sees it.
     *
     * @throws ModelException if it cannot be read, is damaged, or is no stream model with a
     *     manifest; the message begins with the file's name.
     */
    public static ModelDescription read(File file) throws ModelException {
        try (RandomAccessFile opened = new RandomAccessFile(file, "r")) {
            long bytes = opened.length();
            if (bytes == 0 || bytes > Integer.MAX_VALUE) {
                throw new ModelException(bytes == 0 ? "it is empty" : "it is too large");
            }
            ByteBuffer data = opened.getChannel().map(FileChannel.MapMode.READ_ONLY, 0, bytes);
            ModelFile content = ModelFile.read(data);
            if (content.isSizedAtRunTime) {
                throw new ModelException("it computes sizes of tensors while it runs, which LiteRT"
                        + " does not survive; convert its checkpoint with movistream");
            }
            Manifest manifest = Binding.bind(content, data);
            return new ModelDescription(file, manifest, bytes, content.weightBytes);
        } catch (IOException error) {
            throw new ModelException(file.getName() + ": it cannot be read");
        } catch (ModelException error) {
            throw new ModelException(file.getName() + ": " + error.getMessage());
        }
    }

    /** Bytes of the tensors that a stream carries from step to step. */
    public long stateBytes() {
        long bytes = 0;
        for (Manifest.State state : manifest.states) {
            bytes += state.inputs.size() * state.dtype.bytes(state.elements());
        }
        return bytes;
    }
}
