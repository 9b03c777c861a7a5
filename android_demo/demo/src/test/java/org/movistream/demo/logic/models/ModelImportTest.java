package org.movistream.demo.logic.models;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public final class ModelImportTest {
    private static final Executor AT_ONCE = new Executor() {
        @Override
        public void execute(Runnable task) {
            task.run();
        }
    };

    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private final List<String> told = Collections.synchronizedList(new ArrayList<String>());
    private final CountDownLatch reading = new CountDownLatch(1);
    private final CountDownLatch closed = new CountDownLatch(1);

    private Runnable whileChecking;

    private final ModelImport.Listener listener = new ModelImport.Listener() {
        @Override
        public void onProgress(int percent) {
            told.add(percent + " %");
        }

        @Override
        public void onAdded(ModelEntry entry) {
            told.add("added " + entry.id());
        }

        @Override
        public void onFailed(ModelTrouble trouble, String detail) {
            told.add("failed " + trouble + detail);
        }
    };

    @Test
    public void aCancelHoldsWhileTheCopyIsCheckedAndWhileTheFileIsOpened() {
        final ModelImport[] begun = new ModelImport[1];
        final List<Runnable> tasks = new ArrayList<>();
        Executor later = new Executor() {
            @Override
            public void execute(Runnable task) {
                tasks.add(task);
            }
        };
        whileChecking = new Runnable() {
            @Override
            public void run() {
                begun[0].cancel();
            }
        };
        ModelShelf shelf = shelf();
        begun[0] = ModelImport.begin(shelf, new ModelShelfTest.Given("a", new byte[9]), later,
                AT_ONCE, listener);
        tasks.remove(0).run();
        assertTrue(told.toString(), told.contains("failed CANCELLED"));
        assertEquals(0, shelf.entries().size());
        told.clear();
        begun[0] = ModelImport.begin(shelf, new ModelShelfTest.Given("a", new byte[9]) {
            @Override
            public InputStream open() throws IOException {
                begun[0].cancel();
                throw new IOException();
            }
        }, later, AT_ONCE, listener);
        tasks.remove(0).run();
        assertEquals("[failed CANCELLED]", told.toString());
    }

    private ModelShelf shelf() {
        return new ModelShelf(folder.getRoot(), new ModelShelf.Box() {
            @Override
            public List<String> names() {
                return Collections.emptyList();
            }

            @Override
            public InputStream open(String name) {
                return null;
            }
        }, new ModelShelf.Check() {
            @Override
            public void check(File file) {
                if (whileChecking != null) {
                    whileChecking.run();
                }
            }
        }, new Disk());
    }

    @Test
    public void progressIsToldAndThenTheModel() {
        byte[] content = new byte[1 << 17];
        ModelImport.begin(shelf(), new ModelShelfTest.Given("a", content), AT_ONCE, AT_ONCE,
                listener);
        assertEquals("[0 %, 50 %, 100 %, added a.tflite]", told.toString());
    }

    @Test
    public void aFailureWithoutAMessageHasWords() {
        ModelImport.begin(shelf(), new ModelShelfTest.Given("a", new byte[1]) {
            @Override
            public InputStream open() throws IOException {
                throw new IOException();
            }
        }, AT_ONCE, AT_ONCE, listener);
        assertEquals("[failed UNREADABLE]", told.toString());
    }

    @Test
    public void aReadThatWaitsForEverIsBrokenOff() throws Exception {
        Document slow = new ModelShelfTest.Given("a", new byte[10]) {
            @Override
            public InputStream open() {
                return new ByteArrayInputStream(content) {
                    @Override
                    public int read(byte[] into, int from, int count) {
                        reading.countDown();
                        try {
                            closed.await();
                        } catch (InterruptedException error) {
                            throw new IllegalStateException(error);
                        }
                        throw new IllegalStateException("closed");
                    }

                    @Override
                    public void close() {
                        closed.countDown();
                    }
                };
            }
        };
        final Thread[] thread = new Thread[1];
        ModelImport begun = ModelImport.begin(shelf(), slow, new Executor() {
            @Override
            public void execute(Runnable task) {
                thread[0] = new Thread(task);
                thread[0].start();
            }
        }, AT_ONCE, listener);
        reading.await();
        begun.cancel();
        thread[0].join();
        assertEquals("[0 %, failed CANCELLED]", told.toString());
        String[] left = new File(folder.getRoot(), "brought").list();
        assertTrue(left == null || left.length == 0);
    }
}
