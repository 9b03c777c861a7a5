package org.movistream.demo.logic.camera;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A platform's cameras that keep count, and complain of what a platform would suffer from. */
final class FakeCameras implements CameraDriver {
    final Map<String, CameraInfo> there = new LinkedHashMap<>();
    /** Openings that were asked for and have not answered. */
    final List<Integer> asked = new ArrayList<>();
    final TreeMap<Integer, Integer> rotations = new TreeMap<>();
    final List<Integer> wakes = new ArrayList<>();
    final List<Long> delays = new ArrayList<>();
    /** Opened and not closed. */
    final List<Integer> open = new ArrayList<>();
    final List<Integer> begun = new ArrayList<>();
    final List<String> openedIds = new ArrayList<>();
    CameraTrouble listingFails;

    FakeCameras() {
        add("back", Facing.BACK, 90);
        add("front", Facing.FRONT, 270);
    }

    void add(String id, Facing facing, int degrees) {
        there.put(id, new CameraInfo(id, facing, degrees, FrameSize.USUAL));
    }

    @Override
    public List<CameraInfo> cameras() throws CameraException {
        if (listingFails != null) {
            throw new CameraException(listingFails, null);
        }
        return new ArrayList<>(there.values());
    }

    @Override
    public void open(int opening, CameraInfo camera, int rotationDegrees) {
        if (!asked.isEmpty() || !open.isEmpty()) {
            throw new AssertionError("opens " + opening + " beside " + asked + open);
        }
        asked.add(opening);
        openedIds.add(camera.id());
        rotations.put(opening, rotationDegrees);
    }

    @Override
    public void begin(int opening) {
        if (!open.contains(opening) || begun.contains(opening)) {
            throw new AssertionError("begins " + opening + " of " + open + ", begun " + begun);
        }
        begun.add(opening);
    }

    @Override
    public void rotate(int opening, int rotationDegrees) {
        if (!open.contains(opening) && !asked.contains(opening)) {
            throw new AssertionError("turns " + opening + ", which is closed");
        }
        rotations.put(opening, rotationDegrees);
    }

    @Override
    public void close(int opening) {
        if (!open.remove((Integer) opening)) {
            throw new AssertionError("closes " + opening + ", which is not open: " + open);
        }
        begun.remove((Integer) opening);
    }

    @Override
    public void wakeAfter(int opening, long delayMs) {
        wakes.add(opening);
        delays.add(delayMs);
    }

    /** Answers the opening that waits. */
    int openNow(CameraSession session) {
        int number = asked.remove(0);
        open.add(number);
        session.opened(number);
        return number;
    }

    /** As the platform does it: the device is closed before anybody is told. */
    void lose(CameraSession session, int number, CameraTrouble trouble) {
        asked.remove((Integer) number);
        open.remove((Integer) number);
        begun.remove((Integer) number);
        session.failed(number, trouble);
    }
}
