package org.movistream.demo.logic.models;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** One copy of a document that may do anything; whatever goes wrong becomes a trouble. */
final class ModelCopy {
    /** No stream model comes near it. */
    static final long MOST_BYTES = 1L << 29;

    private static final int BLOCK_BYTES = 1 << 16;

    private final Disk disk;
    private final long totalBytes;
    private final CopyProgress progress;

    /**
     * Prepares one.
     *
     * @param totalBytes that there should be; -1 if unknown.
     * @param progress null for none.
     */
    ModelCopy(Disk disk, long totalBytes, CopyProgress progress) {
        this.disk = disk;
        this.totalBytes = totalBytes;
        this.progress = progress;
    }

    /** @throws ModelStoreException if so many bytes are too many, for anything or for the disk. */
    static void requireRoom(Disk disk, File folder, long bytes) throws ModelStoreException {
        if (bytes > MOST_BYTES) {
            throw new ModelStoreException(ModelTrouble.TOO_LARGE, null, null);
        }
        if (bytes > disk.usableBytes(folder)) {
            throw new ModelStoreException(ModelTrouble.NO_SPACE, null, null);
        }
    }

    /** Copies everything, and leaves the source open. */
    void copy(InputStream source, File part) throws ModelStoreException {
        OutputStream target = null;
        try {
            target = disk.create(part);
            copy(source, target);
            target.close();
        } catch (IOException error) {
            boolean full = disk.usableBytes(part.getParentFile()) < BLOCK_BYTES;
            throw new ModelStoreException(
                    full ? ModelTrouble.NO_SPACE : ModelTrouble.UNWRITABLE, null, error);
        } finally {
            closeQuietly(target);
        }
    }

    private void copy(InputStream source, OutputStream target)
            throws IOException, ModelStoreException {
        byte[] block = new byte[BLOCK_BYTES];
        long done = 0;
        int count;
        while ((count = read(source, block, done)) >= 0) {
            done += count;
            if (done > MOST_BYTES) {
                throw new ModelStoreException(ModelTrouble.TOO_LARGE, null, null);
            }
            target.write(block, 0, count);
        }
        if (done == 0) {
            throw new ModelStoreException(ModelTrouble.EMPTY, null, null);
        }
        if (totalBytes > done) {
            // Such as a download that broke off: what came may look whole.
            throw new ModelStoreException(ModelTrouble.UNREADABLE, null, null);
        }
    }

    private int read(InputStream source, byte[] block, long done) throws ModelStoreException {
        if (progress != null && !progress.onCopied(done, totalBytes)) {
            throw new ModelStoreException(ModelTrouble.CANCELLED, null, null);
        }
        try {
            return source.read(block);
        } catch (IOException | RuntimeException error) {
            boolean cancelled = progress != null && !progress.onCopied(done, totalBytes);
            throw new ModelStoreException(
                    cancelled ? ModelTrouble.CANCELLED : ModelTrouble.UNREADABLE, null, error);
        }
    }

    static InputStream opened(Document document) throws ModelStoreException {
        InputStream source;
        try {
            source = document.open();
        } catch (IOException | RuntimeException error) {
            throw new ModelStoreException(ModelTrouble.UNREADABLE, null, error);
        }
        if (source == null) {
            throw new ModelStoreException(ModelTrouble.UNREADABLE, null, null);
        }
        return source;
    }

    /** Null if the other app does not say. */
    static String nameOf(Document document) {
        try {
            return document.name();
        } catch (RuntimeException error) {
            return null; // A name is made up then.
        }
    }

    /** -1 if the other app does not say. */
    static long bytesOf(Document document) {
        try {
            return document.bytes();
        } catch (RuntimeException error) {
            return -1;
        }
    }

    static void closeQuietly(Closeable opened) {
        if (opened != null) {
            try {
                opened.close();
            } catch (IOException | RuntimeException error) {
                // What was to be read was read, or the trouble is being told already.
            }
        }
    }
}
