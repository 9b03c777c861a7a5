package org.movistream.demo;

import android.content.Context;
import android.net.Uri;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Model files as files of this app, which an engine can map into memory. */
final class ModelStore {
    private static final String ASSET = "camera-motion.tflite";
    private static final String PICKED = "picked.tflite";
    private static final long MOST_BYTES = 1L << 29;

    private final Context context;

    ModelStore(Context context) {
        this.context = context;
    }

    /** The file of a model; the bundled one is unpacked anew, in case the app was updated. */
    File file(String model) throws IOException {
        if (!model.equals(Settings.BUNDLED)) {
            return new File(context.getFilesDir(), model);
        }
        try (InputStream source = context.getAssets().open(ASSET)) {
            return copy(source, ASSET);
        }
    }

    /**
     * Copies a document that a person picked; returns its name as a model.
     *
     * @throws IOException with a message to show.
     */
    String take(Uri document) throws IOException {
        try (InputStream source = context.getContentResolver().openInputStream(document)) {
            if (source == null) {
                throw new IOException(context.getString(R.string.file_unreadable));
            }
            return copy(source, PICKED).getName();
        } catch (SecurityException error) {
            throw new IOException(context.getString(R.string.file_unreadable), error);
        }
    }

    /** Writes beside the file and renames: an engine may still read from the old one. */
    private File copy(InputStream source, String name) throws IOException {
        File part = new File(context.getFilesDir(), name + ".part");
        File file = new File(context.getFilesDir(), name);
        byte[] block = new byte[1 << 16];
        long total = 0;
        try (OutputStream target = new FileOutputStream(part)) {
            int count;
            while ((count = source.read(block)) >= 0) {
                total += count;
                if (total > MOST_BYTES) {
                    throw new IOException(context.getString(R.string.file_too_large));
                }
                target.write(block, 0, count);
            }
        }
        if (!part.renameTo(file)) {
            throw new IOException(context.getString(R.string.file_unreadable));
        }
        return file;
    }
}
