package org.movistream.demo.logic.watching;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.Test;
import org.movistream.core.EngineException;
import org.movistream.core.Event;
import org.movistream.demo.logic.settings.Settings;

/** What becomes of events, stream and engine, whatever ends them. */
public final class WatcherTest {
    /** Does nothing until it is told to, so that tests choose the order. */
    static final class Steps implements Loop {
        final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
        final List<Runnable> later = new ArrayList<>();

        @Override
        public void post(Runnable task) {
            waiting.add(task);
        }

        @Override
        public void postLater(Runnable task, long delayMs) {
            later.add(task);
        }

        void run() {
            while (!waiting.isEmpty()) {
                waiting.remove().run();
            }
        }
    }

    private final List<String> happened = new ArrayList<>();

    private final class Session implements WatchSession<String> {
        private final String model;
        private boolean isGoingOn;

        Session(String model) {
            this.model = model;
        }

        @Override
        public boolean isDue(double stampS) {
            return true;
        }

        @Override
        public void look(String frame) throws EngineException {
            if (frame.equals("bad")) {
                throw new EngineException("broken");
            }
            if (frame.equals("worse")) {
                throw new IllegalStateException();
            }
            isGoingOn = true;
        }

        @Override
        public double framesPerSecond() {
            return 5;
        }

        @Override
        public void lookAtRecorded(String frame, double timeS) throws EngineException {
            happened.add("see " + frame + " at " + timeS);
            look(frame);
        }

        @Override
        public boolean seesSeveral() {
            return false;
        }

        @Override
        public int count() {
            return 5;
        }

        @Override
        public String label(int rank) {
            return model + rank;
        }

        @Override
        public float score(int rank) {
            return 0.5f;
        }

        @Override
        public boolean isGoingOn(int rank) {
            return isGoingOn;
        }

        @Override
        public double stepMs() {
            return 1;
        }

        @Override
        public List<Event> ended() {
            return Collections.emptyList();
        }

        @Override
        public List<Event> finish() {
            if (!isGoingOn) {
                return Collections.emptyList();
            }
            isGoingOn = false;
            return Collections.singletonList(Event.over(model, 0, 0, 1, 1, 0, 1000));
        }

        @Override
        public void reset() {
            happened.add("reset");
        }

        @Override
        public void close() {
            happened.add("close " + model);
        }
    }

    private final Steps inference = new Steps();
    private final Steps main = new Steps();
    private LoadException loadFails;
    private Error loadDies;
    private Runnable whileLoading;
    private Note note;
    private Note engineNote;

    private final Watcher<String> watcher = new Watcher<>(new Watcher.Loader<String>() {
        @Override
        public Loaded<String> load(Settings settings) throws LoadException {
            happened.add("load " + settings.model());
            if (whileLoading != null) {
                whileLoading.run();
            }
            if (loadFails != null) {
                throw loadFails;
            }
            if (loadDies != null) {
                throw loadDies;
            }
            return new Loaded<>(new Session(settings.model()), settings.model(), "cpu",
                    Note.of(NoteKind.GPU_MISSING));
        }
    }, inference, main, Settings.initial(2).withModel("a"));

    private void settle() {
        inference.run();
        main.run();
    }

    private void watch() {
        watcher.setListener(new Watcher.Listener() {
            @Override
            public void onResult() {}

            @Override
            public void onState(Note model, Note engine) {
                note = model;
                engineNote = engine;
            }
        });
        watcher.start();
        settle();
        see("good", 1);
    }

    private void see(String frame, double stampS) {
        if (watcher.isDue(stampS)) {
            watcher.look(frame, stampS);
        }
        settle();
    }

    private String events() {
        StringBuilder labels = new StringBuilder();
        for (Event event : watcher.latest().events()) {
            labels.append(event.label);
        }
        return labels.toString();
    }

    @Test
    public void stopEndsEventsAndKeepsTheModel() {
        watch();
        assertEquals("cpu", watcher.engineName());
        assertEquals(NoteKind.GPU_MISSING, engineNote.kind());
        watcher.stop();
        settle();
        assertEquals("a", events());
        assertFalse(watcher.isDue(2));
        watcher.start();
        settle();
        assertEquals("[load a]", happened.toString());
    }

    @Test
    public void anotherModelEndsEventsAndFreesTheOld() {
        watch();
        watcher.change(watcher.settings().withModel("b"));
        settle();
        assertEquals("[load a, close a, load b]", happened.toString());
        assertEquals("a", events());
        assertEquals("b", watcher.modelName());
        assertTrue(watcher.isRunning());
    }

    @Test
    public void changesThatFollowEachOtherLoadOnce() {
        watch();
        watcher.change(watcher.settings().withModel("b"));
        watcher.change(watcher.settings().withModel("c"));
        settle();
        assertEquals("[load a, close a, load c]", happened.toString());
        watcher.change(watcher.settings().withFacing(watcher.settings().facing().opposite()));
        settle();
        assertEquals("another side takes no other stream", 3, happened.size());
    }

    @Test
    public void aModelThatBreaksMidwayIsFreed() {
        for (String frame : new String[] {"bad", "worse"}) {
            happened.clear();
            watch();
            see(frame, 2);
            assertEquals("[load a, close a]", happened.toString());
            assertFalse(watcher.isRunning());
            assertEquals(NoteKind.MODEL_FAILED, note.kind());
            assertEquals(frame.equals("bad") ? "broken" : "", note.detail());
            assertEquals("", watcher.modelName());
            see("good", 3);
            assertEquals(2, happened.size());
        }
        assertEquals("aa", events());
    }

    @Test
    public void aModelThatDoesNotLoadIsSaidOnce() {
        loadFails = new LoadException(Note.of(NoteKind.FILE_FAILED), null);
        watch();
        see("good", 2);
        assertEquals("[load a]", happened.toString());
        assertEquals(NoteKind.FILE_FAILED, note.kind());
        loadFails = null;
        loadDies = new OutOfMemoryError();
        watcher.start();
        settle();
        assertEquals(NoteKind.LOW_MEMORY, note.kind());
        loadDies = null;
        watcher.start();
        settle();
        assertNull(note);
        assertEquals("a", watcher.modelName());
    }

    @Test
    public void anotherModelTakesBackWhatWasSaidOfTheLast() {
        watch();
        see("bad", 2);
        watcher.change(watcher.settings().withModel("b"));
        settle();
        assertNull(note);
        assertFalse(watcher.isRunning());
        assertEquals("[load a, close a]", happened.toString());
    }

    @Test
    public void aStopWhileLoadingHolds() {
        whileLoading = new Runnable() {
            @Override
            public void run() {
                watcher.stop();
            }
        };
        watch();
        assertFalse(watcher.isRunning());
        assertEquals("a", watcher.modelName());
        assertNull(note);
    }

    @Test
    public void aCloseWhileLoadingFreesWhatWasLoaded() {
        whileLoading = new Runnable() {
            @Override
            public void run() {
                watcher.close();
            }
        };
        watch();
        watcher.start();
        settle();
        assertEquals("[load a, close a]", happened.toString());
        see("good", 2);
        assertEquals(2, happened.size());
    }

    @Test
    public void whatWasGivenBackIsLoadedWithTheNextFrame() {
        watch();
        watcher.giveBack();
        settle();
        assertEquals("[load a, close a]", happened.toString());
        assertEquals("a", events());
        assertTrue(watcher.isRunning());
        see("good", 2);
        assertEquals("[load a, close a, load a]", happened.toString());
        assertEquals(1, Math.min(1, watcher.latest().count()));
    }

    @Test
    public void whereAPersonLooksOnTheReasonIsSaid() {
        watch();
        watcher.stopFor(Note.of(NoteKind.LOW_MEMORY));
        settle();
        assertEquals(NoteKind.LOW_MEMORY, note.kind());
        assertFalse(watcher.isRunning());
        assertEquals("[load a, close a]", happened.toString());
    }

    @Test
    public void resetBeginsANewList() {
        watch();
        watcher.stop();
        settle();
        watcher.reset();
        settle();
        assertEquals("", events());
        assertEquals(0, watcher.latest().count());
        assertTrue(happened.contains("reset"));
    }

    @Test
    public void anotherCameraBeginsAnewAndKeepsTheList() {
        watch();
        watcher.beginAgain();
        settle();
        assertEquals("a", events());
        assertEquals("[load a, reset]", happened.toString());
        assertTrue(watcher.isRunning());
    }

    @Test
    public void aClockThatGoesBackGivesNoStrangeRate() {
        watch();
        see("good", 1.1);
        assertEquals(10, watcher.latest().framesPerSecond(), 1e-6);
        see("good", 0.1);
        see("good", 0.2);
        see("good", 5000);
        assertEquals(10, watcher.latest().framesPerSecond(), 1e-6);
    }

    @Test
    public void levelsOfMemoryThatAndroid14SendsFreeTheModel() {
        assertEquals(MemoryPressure.GIVE_BACK, MemoryPressure.of(20)); // UI_HIDDEN
        assertEquals(MemoryPressure.GIVE_BACK, MemoryPressure.of(40)); // BACKGROUND
        assertEquals(MemoryPressure.GIVE_BACK, MemoryPressure.of(80)); // COMPLETE
        assertEquals(MemoryPressure.STOP, MemoryPressure.of(15)); // RUNNING_CRITICAL
        assertEquals(MemoryPressure.KEEP, MemoryPressure.of(10)); // RUNNING_LOW
    }

    @Test
    public void memoryIsReadOnlyWhileItIsShown() {
        final int[] reads = {0};
        MemoryMeter meter = new MemoryMeter(new MemoryMeter.Gauge() {
            @Override
            public long residentBytes() {
                reads[0]++;
                return reads[0] == 2 ? -1 : 5_000_000;
            }
        }, inference, watcher.latest());
        meter.setShown(true);
        meter.setShown(true);
        inference.run();
        inference.later.remove(0).run();
        assertEquals(2, reads[0]);
        meter.setShown(false);
        meter.setShown(true);
        inference.run();
        // Of the two that wait, the one of the earlier showing reads no more.
        for (Runnable task : new ArrayList<>(inference.later)) {
            task.run();
        }
        assertEquals(4, reads[0]);
        meter.setShown(false);
        for (Runnable task : new ArrayList<>(inference.later)) {
            task.run();
        }
        assertEquals(4, reads[0]);
        float[] values = new float[10];
        assertEquals("unknown is no point", 3, watcher.latest().memoryMb().copyTo(values));
        assertEquals(5, values[0], 0);
    }

    @Test
    public void briefNotesLeaveLastingOnesAlone() {
        StatusBoard board = new StatusBoard();
        assertNull(board.shown(0));
        board.set(StatusBoard.Topic.CAMERA, Note.of(NoteKind.CAMERA));
        board.tellBriefly(Note.of(NoteKind.COPIED, "x"), 1000);
        assertEquals(NoteKind.COPIED, board.shown(1000 + StatusBoard.BRIEF_MS - 1).kind());
        assertEquals(NoteKind.CAMERA, board.shown(1000 + StatusBoard.BRIEF_MS).kind());
        board.set(StatusBoard.Topic.MODEL, Note.of(NoteKind.LOADING));
        assertEquals(NoteKind.LOADING, board.shown(20_000).kind());
        board.set(StatusBoard.Topic.MODEL, null);
        board.set(StatusBoard.Topic.CAMERA, null);
        assertNull(board.shown(20_000));
    }

    @Test
    public void eventsAreExportedByPythonsNames() {
        List<Event> events = Collections.singletonList(
                Event.over("=pan, \"right\"", 2, 1.23456, 2, 0.98765432f,
                        1_700_000_000_123L, 1_700_000_000_888L));
        assertEquals("{\"version\":1,\"type\":\"event\",\"source\":\"camera\",\"phase\":\"end\","
                + "\"index\":2,\"label\":\"=pan, \\\"right\\\"\",\"start_s\":1.2346,\"end_s\":2.0,"
                + "\"peak_score\":0.987654,\"started_at\":\"2023-11-14T22:13:20.123+00:00\","
                + "\"ended_at\":\"2023-11-14T22:13:20.888+00:00\"}\n",
                EventExport.jsonLines("camera", events));
    }

    /** Shows frames, a second apart, and does something before each. */
    private final class Video implements Recording<String> {
        private final String[] frames;
        Runnable beforeEach;
        IOException failsAtEnd;
        boolean stopped;

        Video(String... frames) {
            this.frames = frames;
        }

        @Override
        public void show(double framesPerSecond, Taker<String> taker)
                throws IOException, EngineException {
            happened.add("show at " + framesPerSecond);
            for (int index = 0; index < frames.length && !stopped; index++) {
                if (beforeEach != null) {
                    beforeEach.run();
                }
                taker.take(frames[index], index);
            }
            if (failsAtEnd != null) {
                throw failsAtEnd;
            }
        }

        @Override
        public void stop() {
            stopped = true;
        }
    }

    @Test
    public void aVideoIsAStreamOfItsOwn() {
        watch();
        happened.clear();
        watcher.watch(new Video("one", "two"));
        assertFalse("the camera waits", watcher.isDue(2));
        settle();
        assertEquals("[reset, show at 5.0, see one at 0.0, see two at 1.0, reset]",
                happened.toString());
        assertEquals("the camera's event, and the video's", "aa", events());
        assertFalse(watcher.isRunning());
        assertEquals("its last answer stays", 3, watcher.latest().count());
        assertNull(note);
        watcher.start();
        settle();
        assertTrue(watcher.isDue(3));
    }

    @Test
    public void aVideoLoadsTheModel() {
        watcher.watch(new Video("one"));
        settle();
        assertEquals("[load a, reset, show at 5.0, see one at 0.0, reset]", happened.toString());
    }

    @Test
    public void aVideoIsEndedByWhatEndsStreams() {
        final Runnable[] ends = {
            new Runnable() {
                @Override
                public void run() {
                    watcher.stop();
                }
            },
            new Runnable() {
                @Override
                public void run() {
                    watcher.reset();
                }
            },
            new Runnable() {
                @Override
                public void run() {
                    watcher.change(Settings.initial(2).withModel("b"));
                }
            },
            new Runnable() {
                @Override
                public void run() {
                    watcher.giveBack();
                }
            },
            new Runnable() {
                @Override
                public void run() {
                    watcher.start();
                }
            },
        };
        for (Runnable end : ends) {
            happened.clear();
            Video video = new Video("one", "two", "three");
            video.beforeEach = end;
            watcher.watch(video);
            settle();
            assertTrue(happened.toString(), happened.contains("see one at 0.0"));
            assertFalse(happened.toString(), happened.contains("see two at 1.0"));
        }
    }

    @Test
    public void aVideoThatIsStoppedBeforeItBeginsIsNotShown() {
        Video video = new Video("one");
        watcher.watch(video);
        watcher.stop();
        settle();
        assertFalse(happened.toString(), happened.contains("see one at 0.0"));
        assertFalse(watcher.isRunning());
        watcher.start();
        settle();
        assertTrue("the camera is looked at again", watcher.isDue(2));
    }

    @Test
    public void aVideoForAModelThatDoesNotLoadLeavesTheCameraFree() {
        loadFails = new LoadException(Note.of(NoteKind.MODEL_FAILED, "broken"), null);
        watcher.watch(new Video("one"));
        settle();
        assertFalse(watcher.isRunning());
        loadFails = null;
        watcher.start();
        settle();
        assertTrue(watcher.isDue(2));
    }

    @Test
    public void aVideoThatCannotBeReadLeavesTheModelAlone() {
        watch();
        Video video = new Video("one");
        video.failsAtEnd = new IOException("it is damaged");
        happened.clear();
        watcher.watch(video);
        settle();
        assertEquals(NoteKind.VIDEO_FAILED, note.kind());
        assertEquals("it is damaged", note.detail());
        assertFalse(watcher.isRunning());
        assertFalse(happened.toString(), happened.contains("close a"));
        assertEquals("aa", events());
    }

    @Test
    public void aVideoOnWhichTheModelFailsEndsAsAFrameDoes() {
        watch();
        watcher.watch(new Video("one", "bad"));
        settle();
        assertEquals(NoteKind.MODEL_FAILED, note.kind());
        assertTrue(happened.toString(), happened.contains("close a"));
        watcher.start();
        settle();
        assertTrue(watcher.isDue(9));
    }
}
