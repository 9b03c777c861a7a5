package org.movistream.demo.logic.models;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Everything that can go wrong between another app's file and the list of models. */
public final class ModelShelfTest {
    private static final File MODELS = new File(System.getProperty("movistream.models"));
    private static final String SMALL = "camera-motion-small.tflite";

    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private byte[] model;
    private byte[] other;
    private long usableBytes = Long.MAX_VALUE;
    private ModelShelf shelf;

    private final ModelShelf.Box box = new ModelShelf.Box() {
        @Override
        public List<String> names() {
            return Arrays.asList("camera-motion.tflite", SMALL);
        }

        @Override
        public InputStream open(String name) throws IOException {
            return new FileInputStream(new File(MODELS, name));
        }
    };

    /** Takes so many bytes, then no more. */
    private final Disk disk = new Disk() {
        @Override
        public long usableBytes(File folder) {
            return usableBytes;
        }

        @Override
        public OutputStream create(File file) throws IOException {
            final OutputStream out = super.create(file);
            return new OutputStream() {
                @Override
                public void write(int value) throws IOException {
                    write(new byte[] {(byte) value}, 0, 1);
                }

                @Override
                public void write(byte[] bytes, int from, int count) throws IOException {
                    if (count > usableBytes) {
                        throw new IOException(); // As some do, without a word.
                    }
                    usableBytes -= count;
                    out.write(bytes, from, count);
                }

                @Override
                public void close() throws IOException {
                    out.close();
                }
            };
        }
    };

    @Before
    public void readModels() throws IOException {
        model = Files.readAllBytes(new File(MODELS, SMALL).toPath());
        other = Files.readAllBytes(new File(MODELS, "camera-motion.tflite").toPath());
        shelf = open();
    }

    private ModelShelf open() {
        return new ModelShelf(folder.getRoot(), box, ModelShelf.WHOLE_FILE, disk);
    }

    static class Given implements Document {
        final String name;
        final byte[] content;

        Given(String name, byte[] content) {
            this.name = name;
            this.content = content;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public long bytes() {
            return content.length;
        }

        @Override
        public InputStream open() throws IOException {
            return new ByteArrayInputStream(content);
        }
    }

    private void refused(Document document, ModelTrouble trouble) {
        String before = shelf.entries().toString();
        try {
            shelf.add(document, null);
            fail("taken");
        } catch (ModelStoreException error) {
            assertEquals(trouble, error.trouble());
            assertNotNull(error.detail());
        }
        assertEquals(before, shelf.entries().toString());
        String[] left = new File(folder.getRoot(), "brought").list();
        for (String name : left == null ? new String[0] : left) {
            assertFalse(name, name.endsWith(".part"));
        }
    }

    @Test
    public void theBoxIsListedAndUnpacked() throws Exception {
        assertEquals("[box:camera-motion.tflite, box:" + SMALL + "]",
                shelf.entries().toString());
        assertTrue(shelf.entries().get(0).isBuiltIn());
        File file = shelf.file("box:" + SMALL);
        assertArrayEquals(model, Files.readAllBytes(file.toPath()));
        assertFalse(shelf.remove("box:" + SMALL));
    }

    @Test
    public void severalAreKeptAndSurvive() throws Exception {
        assertEquals("mine.tflite", shelf.add(new Given("mine.tflite", model), null).id());
        assertEquals("second", shelf.add(new Given("second.tflite", other), null).title());
        ModelShelf later = open();
        assertEquals(4, later.entries().size());
        assertArrayEquals(model, Files.readAllBytes(later.file("mine.tflite").toPath()));
        assertTrue(later.remove("mine.tflite"));
        assertEquals(3, later.entries().size());
        assertEquals("box:camera-motion.tflite", later.entry("mine.tflite").id());
    }

    @Test
    public void anotherOfTheSameNameStandsBesideIt() throws Exception {
        shelf.add(new Given("a.tflite", model), null);
        assertEquals("a (2).tflite", shelf.add(new Given("a.tflite", other), null).id());
        assertEquals("the same again", "a.tflite",
                shelf.add(new Given("a.tflite", model), null).id());
        assertEquals("a (2).tflite", shelf.add(new Given("a.tflite", other), null).id());
        assertArrayEquals(model, Files.readAllBytes(shelf.file("a.tflite").toPath()));
    }

    @Test
    public void brokenModelsAreRefusedByTheirOwnName() {
        byte[] damaged = model.clone();
        damaged[damaged.length / 2] ^= 1;
        refused(new Given("good.tflite", damaged), ModelTrouble.REFUSED);
        try {
            shelf.add(new Given("text.tflite", "hello, I am a text".getBytes()), null);
            fail("taken");
        } catch (ModelStoreException error) {
            assertTrue(error.detail(), error.detail().startsWith("text.tflite: "));
        }
    }

    @Test
    public void aCheckerThatFallsOverRefuses() {
        shelf = new ModelShelf(folder.getRoot(), box, new ModelShelf.Check() {
            @Override
            public void check(File file) {
                throw new IllegalStateException();
            }
        }, disk);
        refused(new Given("a.tflite", model), ModelTrouble.REFUSED);
    }

    @Test
    public void emptyAndHalfFilesAreRefused() {
        refused(new Given("a.tflite", new byte[0]), ModelTrouble.EMPTY);
        refused(new Given("a.tflite", model) {
            @Override
            public InputStream open() {
                return new ByteArrayInputStream(model, 0, model.length / 2);
            }
        }, ModelTrouble.UNREADABLE);
    }

    @Test
    public void providersMayThrowAnything() {
        final RuntimeException[] thrown = {new SecurityException(), new NullPointerException(),
            new IllegalStateException("dead")};
        for (final RuntimeException error : thrown) {
            refused(new Given("a.tflite", model) {
                @Override
                public InputStream open() {
                    throw error;
                }
            }, ModelTrouble.UNREADABLE);
        }
        refused(new Given("a.tflite", model) {
            @Override
            public InputStream open() throws IOException {
                throw new IOException(); // Without a message.
            }
        }, ModelTrouble.UNREADABLE);
        refused(new Given("a.tflite", model) {
            @Override
            public InputStream open() {
                return null;
            }
        }, ModelTrouble.UNREADABLE);
    }

    @Test
    public void aProviderThatThrowsMidwayLeavesNothing() {
        for (final boolean checked : new boolean[] {true, false}) {
            refused(new Given("a.tflite", model) {
                @Override
                public InputStream open() {
                    return new ByteArrayInputStream(content) {
                        @Override
                        public int read(byte[] into) throws IOException {
                            if (pos > 0 && checked) {
                                throw new IOException();
                            }
                            if (pos > 0) {
                                throw new IllegalStateException();
                            }
                            return read(into, 0, 1000);
                        }
                    };
                }
            }, ModelTrouble.UNREADABLE);
        }
    }

    @Test
    public void aProviderThatCannotNameItsFileIsServed() throws Exception {
        ModelEntry entry = shelf.add(new Given(null, model) {
            @Override
            public String name() {
                throw new UnsupportedOperationException();
            }

            @Override
            public long bytes() {
                throw new UnsupportedOperationException();
            }
        }, null);
        assertEquals("model.tflite", entry.id());
    }

    @Test
    public void aFullDiskIsSaidBeforeAndMidway() {
        usableBytes = model.length - 1;
        refused(new Given("a.tflite", model), ModelTrouble.NO_SPACE);
        usableBytes = 40_000;
        refused(new Given("a.tflite", model) {
            @Override
            public long bytes() {
                return -1;
            }
        }, ModelTrouble.NO_SPACE);
    }

    @Test
    public void whatIsTooLargeIsNotCopiedForHours() {
        refused(new Given("a.tflite", model) {
            @Override
            public long bytes() {
                return Long.MAX_VALUE;
            }
        }, ModelTrouble.TOO_LARGE);
    }

    @Test
    public void aCancelledCopyLeavesNothing() throws Exception {
        try {
            shelf.add(new Given("a.tflite", model), new CopyProgress() {
                @Override
                public boolean onCopied(long doneBytes, long totalBytes) {
                    return doneBytes == 0;
                }
            });
            fail("taken");
        } catch (ModelStoreException error) {
            assertEquals(ModelTrouble.CANCELLED, error.trouble());
        }
        assertEquals(2, shelf.entries().size());
    }

    @Test
    public void whatAnEarlierProcessLeftIsRemoved() throws Exception {
        File brought = new File(folder.getRoot(), "brought");
        assertTrue(brought.mkdirs());
        File left = new File(brought, "copy 1.part");
        Files.write(left.toPath(), model);
        assertEquals(2, open().entries().size());
        assertFalse(left.exists());
    }

    @Test
    public void hostileNamesLeadNowhere() throws Exception {
        String[] names = {"../../x.tflite", "/etc/passwd", "..", "", ".hidden", "a/b\\c.tflite",
            "C:\\x.tflite", "\u202egpj.tflite", "a\u0000b.tflite", "x\ny", "....tflite",
            "a.tflite.tflite", "copy 1.part"};
        for (String name : names) {
            String safe = ModelName.safe(name);
            assertEquals(safe, new File(safe).getName());
            assertTrue(safe, safe.endsWith(".tflite") && !safe.startsWith("."));
            assertEquals(safe, ModelName.safe(safe));
            ModelEntry entry = shelf.add(new Given(name, model), null);
            assertEquals(new File(folder.getRoot(), "brought"),
                    shelf.file(entry.id()).getParentFile());
        }
        assertEquals("gpj.tflite", ModelName.safe("\u202egpj.tflite"));
        StringBuilder longName = new StringBuilder();
        for (int index = 0; index < 5000; index++) {
            longName.append("\ud83d\ude00");
        }
        String safe = ModelName.safe(longName.toString());
        assertTrue(safe.getBytes("UTF-8").length <= 200);
        shelf.add(new Given(safe, model), null);
    }

    @Test
    public void idsFromOutsideReadNothingElse() {
        for (String id : new String[] {"../x.tflite", "box:../../x", "/etc/passwd", "no.tflite",
            "box:", ""}) {
            try {
                shelf.file(id);
                fail(id);
            } catch (ModelStoreException error) {
                assertEquals(ModelTrouble.GONE, error.trouble());
            }
            assertFalse(shelf.remove(id));
        }
    }
}
