package org.movistream.demo.logic.models;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.movistream.core.ModelDescription;
import org.movistream.core.ModelException;

/**
 * The models to choose from: those in the box, and those that a person brought.
 *
 * <p>A model that is brought is copied beside the others under a name that nobody looks for,
 * checked there, and joins the others by a change of its name: whatever goes wrong before leaves
 * all others as they were. Calls may come from several threads.
 */
public final class ModelShelf {
    /** The files in the box. */
    public interface Box {
        /** File names, the one to begin with first. */
        List<String> names();

        InputStream open(String name) throws IOException;
    }

    /** Says what is wrong with a file. */
    public interface Check {
        void check(File file) throws ModelException;
    }

    /** Checks the whole file, as is done before an engine sees it. */
    public static final Check WHOLE_FILE = new Check() {
        @Override
        public void check(File file) throws ModelException {
            ModelDescription.read(file);
        }
    };

    private static final String BOX_PREFIX = "box:";
    private static final String PART_ENDING = ".part";
    private static final int BLOCK_BYTES = 1 << 16;

    private final File brought;
    private final File unpacked;
    private final Box box;
    private final Check check;
    private final Disk disk;
    private int copies;

    /** @param folder of this app alone; what is left of earlier copies there is removed. */
    public ModelShelf(File folder, Box box, Check check, Disk disk) {
        brought = new File(folder, "brought");
        unpacked = new File(folder, "box");
        this.box = box;
        this.check = check;
        this.disk = disk;
        for (File place : new File[] {brought, unpacked}) {
            for (String name : listed(place)) {
                if (name.endsWith(PART_ENDING)) {
                    new File(place, name).delete();
                }
            }
        }
    }

    /** Those in the box first, then the others by name. */
    public synchronized List<ModelEntry> entries() {
        List<ModelEntry> entries = new ArrayList<>();
        for (String name : box.names()) {
            entries.add(new ModelEntry(BOX_PREFIX + name, ModelName.title(name), true));
        }
        String[] names = listed(brought);
        Arrays.sort(names);
        for (String name : names) {
            if (name.endsWith(ModelName.ENDING)) {
                entries.add(new ModelEntry(name, ModelName.title(name), false));
            }
        }
        return entries;
    }

    /** The entry of an id, or the first one if there is none such. */
    public ModelEntry entry(String id) {
        List<ModelEntry> entries = entries();
        for (ModelEntry entry : entries) {
            if (entry.id().equals(id)) {
                return entry;
            }
        }
        if (entries.isEmpty()) {
            throw new IllegalStateException("there is no model in the box");
        }
        return entries.get(0);
    }

    /** The file of a model; one in the box is unpacked anew, in case the app was updated. */
    public File file(String id) throws ModelStoreException {
        if (id.startsWith(BOX_PREFIX)) {
            return unpack(id.substring(BOX_PREFIX.length()));
        }
        File file = new File(brought, ModelName.safe(id));
        if (!file.getName().equals(id) || !file.isFile()) {
            throw new ModelStoreException(ModelTrouble.GONE, ModelName.safe(id), null);
        }
        return file;
    }

    /** Removes a model that was brought; an engine that has it open may go on. */
    public synchronized boolean remove(String id) {
        return !id.startsWith(BOX_PREFIX) && ModelName.safe(id).equals(id)
                && new File(brought, id).delete();
    }

    /**
     * Copies, checks and keeps a document.
     *
     * @throws ModelStoreException whatever goes wrong; then nothing has changed.
     */
    public ModelEntry add(Document document, CopyProgress progress) throws ModelStoreException {
        String name = ModelName.safe(ModelCopy.nameOf(document));
        long bytes = ModelCopy.bytesOf(document);
        File part = part(brought);
        try {
            ModelCopy.requireRoom(disk, brought, bytes);
            InputStream source = ModelCopy.opened(document);
            try {
                new ModelCopy(disk, bytes, progress).copy(source, part);
            } finally {
                ModelCopy.closeQuietly(source);
            }
            verify(part, name);
            if (progress != null && !progress.onCopied(part.length(), bytes)) {
                throw new ModelStoreException(ModelTrouble.CANCELLED, null, null);
            }
            return keep(part, name);
        } finally {
            part.delete();
        }
    }

    private void verify(File part, String name) throws ModelStoreException {
        try {
            check.check(part);
        } catch (ModelException error) {
            String told = String.valueOf(error.getMessage());
            throw new ModelStoreException(ModelTrouble.REFUSED,
                    told.replace(part.getName(), name), error);
        } catch (RuntimeException | OutOfMemoryError error) {
            throw new ModelStoreException(ModelTrouble.REFUSED, name, error);
        }
    }

    private synchronized ModelEntry keep(File part, String name) throws ModelStoreException {
        for (int number = 1; ; number++) {
            String free = ModelName.numbered(name, number);
            File file = new File(brought, free);
            if (file.exists() && !isSame(file, part)) {
                continue;
            }
            if (!file.exists() && !part.renameTo(file)) {
                throw new ModelStoreException(ModelTrouble.UNWRITABLE, free, null);
            }
            return new ModelEntry(free, ModelName.title(free), false);
        }
    }

    private synchronized File unpack(String name) throws ModelStoreException {
        if (!box.names().contains(name)) {
            throw new ModelStoreException(ModelTrouble.GONE, name, null);
        }
        File part = part(unpacked);
        try {
            InputStream source;
            try {
                source = box.open(name);
            } catch (IOException error) {
                throw new ModelStoreException(ModelTrouble.UNREADABLE, name, error);
            }
            try {
                new ModelCopy(disk, -1, null).copy(source, part);
            } finally {
                ModelCopy.closeQuietly(source);
            }
            // An engine may still read from the old one, so it is replaced and not written over.
            File file = new File(unpacked, name);
            if (!part.renameTo(file)) {
                throw new ModelStoreException(ModelTrouble.UNWRITABLE, name, null);
            }
            return file;
        } finally {
            part.delete();
        }
    }

    private synchronized File part(File folder) {
        folder.mkdirs();
        return new File(folder, "copy " + ++copies + PART_ENDING);
    }

    private static boolean isSame(File one, File other) throws ModelStoreException {
        if (one.length() != other.length()) {
            return false;
        }
        try (InputStream first = new FileInputStream(one);
                InputStream second = new FileInputStream(other)) {
            byte[] a = new byte[BLOCK_BYTES];
            byte[] b = new byte[BLOCK_BYTES];
            int count;
            while ((count = first.read(a)) >= 0) {
                int read = 0;
                while (read < count) {
                    int more = second.read(b, read, count - read);
                    if (more < 0) {
                        return false;
                    }
                    read += more;
                }
                for (int index = 0; index < count; index++) {
                    if (a[index] != b[index]) {
                        return false;
                    }
                }
            }
            return true;
        } catch (IOException error) {
            throw new ModelStoreException(ModelTrouble.UNREADABLE, one.getName(), error);
        }
    }

    private static String[] listed(File folder) {
        String[] names = folder.list();
        return names == null ? new String[0] : names;
    }
}
