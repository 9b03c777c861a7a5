package org.movistream.demo.logic.camera;

import static org.junit.Assert.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.Test;

/**
 * Thousands of random lives of a camera: whatever happens in whatever order, there are never two
 * devices open nor is a closed one touched ({@link FakeCameras} watches that), and a picture is
 * shown once all is available.
 */
public final class CameraSessionRandomTest {
    private static final int LIVES = 4000;
    private static final int STEPS = 60;
    private static final int[] TURNS = {0, 90, 180, 270};

    private CameraView view;
    private Random random;
    private FakeCameras cameras;
    private CameraSession session;
    private int display;

    @Test
    public void everyLifeEndsWithAPicture() {
        for (int seed = 0; seed < LIVES; seed++) {
            List<Integer> happened = new ArrayList<>();
            try {
                live(seed, happened);
            } catch (AssertionError error) {
                throw new AssertionError("life " + seed + " " + happened, error);
            }
        }
    }

    private void live(int seed, List<Integer> happened) {
        random = new Random(seed);
        display = 0;
        cameras = new FakeCameras();
        session = new CameraSession(cameras, new CameraSession.Listener() {
            @Override
            public void onCamera(CameraView told) {
                view = told;
            }
        }, random.nextBoolean() ? Facing.BACK : Facing.FRONT);
        for (int step = 0; step < STEPS; step++) {
            int what = random.nextInt(20);
            happened.add(what);
            happen(what);
            checkRotation();
        }
        session.permission(true);
        session.surfaceCreated();
        session.start();
        settle();
        assertEquals(CameraStatus.SHOWING, view.status());
        assertEquals(1, cameras.open.size());
        checkRotation();
        session.stop();
        assertEquals(0, cameras.open.size());
    }

    /** The platform answers everything, in the end. */
    private void settle() {
        for (int round = 0; round < 10 && view.status() != CameraStatus.SHOWING; round++) {
            session.available("back");
            session.available("front");
            if (!cameras.asked.isEmpty()) {
                cameras.openNow(session);
            }
            if (!cameras.begun.isEmpty()) {
                session.configured(cameras.begun.get(0));
            }
        }
    }

    private void checkRotation() {
        for (int number : cameras.open) {
            if (view.status() == CameraStatus.SHOWING) {
                assertEquals(Rotation.upright(view.camera(), display),
                        (int) cameras.rotations.get(number));
            }
        }
    }

    private void happen(int what) {
        int any = 1 + random.nextInt(12);
        switch (what) {
            case 0: session.start(); break;
            case 1: session.stop(); break;
            case 2: session.surfaceCreated(); break;
            case 3: session.surfaceDestroyed(); break;
            case 4: session.permission(random.nextInt(4) > 0); break;
            case 5: session.topResumed(random.nextBoolean()); break;
            case 6: session.displayTurned(display = TURNS[random.nextInt(4)]); break;
            case 7: session.show(random.nextBoolean() ? Facing.BACK : Facing.FRONT); break;
            case 8: session.available(random.nextBoolean() ? "back" : "front"); break;
            case 9: session.timePassed(any); break;
            case 10: fail(any); break;
            case 11: late(any); break;
            case 12: case 13: case 14:
                if (!cameras.asked.isEmpty()) {
                    cameras.openNow(session);
                }
                break;
            case 15:
                if (!cameras.asked.isEmpty()) {
                    cameras.lose(session, cameras.asked.get(0), trouble());
                }
                break;
            case 16:
                if (!cameras.open.isEmpty()) {
                    cameras.lose(session, cameras.open.get(0), trouble());
                }
                break;
            default:
                if (!cameras.begun.isEmpty()) {
                    answer(cameras.begun.get(0));
                }
        }
    }

    private void answer(int number) {
        if (random.nextInt(4) > 0) {
            session.configured(number);
        } else {
            session.configureFailed(number);
        }
    }

    /** What was closed still says that it failed. */
    private void fail(int number) {
        if (!cameras.open.contains(number) && !cameras.asked.contains(number)) {
            session.failed(number, trouble());
        }
    }

    /** What was closed, or never opened, still says that it is configured, or not. */
    private void late(int number) {
        if (!cameras.open.contains(number)) {
            answer(number);
        }
    }

    private CameraTrouble trouble() {
        return CameraTrouble.values()[random.nextInt(CameraTrouble.values().length)];
    }
}
