package org.movistream.demo.logic.camera;

import java.util.Collections;
import java.util.List;

/**
 * Keeps a camera showing for as long as somebody wants it, whatever becomes of it meanwhile.
 *
 * <p>All methods are called on one thread, which need not be the main one. There is never more than
 * one opening: a camera that was asked for and is no longer wanted is closed when it answers, and
 * the next is asked for only then. What says the number of an opening that is over is ignored. A
 * camera that was taken away is asked for again when it becomes free, or when this app comes to
 * the front; one that failed also after a while, which doubles each time.
 */
public final class CameraSession {
    /** Is told on the session's thread. */
    public interface Listener {
        void onCamera(CameraView view);
    }

    /** Tries in a row that may follow at once on a camera becoming free. */
    static final int MOST_TRIES_AT_ONCE = 3;
    static final long FIRST_DELAY_MS = 500;
    static final long LONGEST_DELAY_MS = 30_000;
    /** After so long a picture, what failed before is forgotten. */
    static final long SETTLED_MS = 5_000;

    private enum State { CLOSED, OPENING, CONFIGURING, SHOWING, WAITING }

    private final CameraDriver driver;
    private final Listener listener;
    private boolean started;
    private boolean hasSurface;
    private boolean allowed;
    private int displayDegrees;
    private Facing facing;

    private State state = State.CLOSED;
    private CameraStatus waitingFor = CameraStatus.OFF;
    /** Whether any camera that becomes free may be the one that was in the way. */
    private boolean anyMayHelp;
    private CameraInfo camera;
    private int opening;
    /** In a row, without a picture that lasted. */
    private int failures;
    private List<CameraInfo> known = Collections.emptyList();

    /**
     * A session that wants nothing yet.
     *
     * @param facing the side to prefer.
     */
    public CameraSession(CameraDriver driver, Listener listener, Facing facing) {
        this.driver = driver;
        this.listener = listener;
        this.facing = facing;
    }

    /** The screen is there, and wants a picture. */
    public void start() {
        started = true;
        failures = 0;
        tryAgain();
    }

    /** The screen is gone. */
    public void stop() {
        started = false;
        update();
    }

    /** There is a surface to show pictures on. */
    public void surfaceCreated() {
        hasSurface = true;
        update();
    }

    /** The surface is gone; a later one is another. */
    public void surfaceDestroyed() {
        hasSurface = false;
        update();
    }

    /** Whether this app may use cameras. */
    public void permission(boolean granted) {
        allowed = granted;
        update();
    }

    /** This app came to the front, or left it to another that is seen beside it. */
    public void topResumed(boolean isTop) {
        if (isTop) {
            failures = 0;
            tryAgain();
        }
    }

    /**
     * How far the screen's picture is turned from its natural position, in degrees. A turn by 180
     * changes nothing else, so that no other event tells of it.
     */
    public void displayTurned(int degrees) {
        displayDegrees = degrees;
        if (state == State.OPENING || state == State.CONFIGURING || state == State.SHOWING) {
            driver.rotate(opening, Rotation.upright(camera, displayDegrees));
        }
    }

    /** Shows the camera on a side from now on; another one if there is none. */
    public void show(Facing side) {
        facing = side;
        failures = 0;
        if (state == State.WAITING) {
            tryAgain();
        } else {
            update();
        }
    }

    /** A camera became free, as the system says of all cameras at the beginning. */
    public void available(String id) {
        if (state != State.WAITING || !anyMayHelp && !camera.id().equals(id)) {
            return;
        }
        if (failures <= MOST_TRIES_AT_ONCE) {
            tryAgain();
        } else {
            driver.wakeAfter(opening, delayMs());
        }
    }

    /** The number's camera is open. */
    public void opened(int number) {
        if (number != opening || state == State.CLOSED || state == State.WAITING) {
            driver.close(number);
        } else if (state == State.OPENING) {
            if (isWanted() && camera.id().equals(idOf(choose()))) {
                state = State.CONFIGURING;
                driver.begin(opening);
                tell();
            } else {
                close();
                update();
            }
        }
    }

    /** The number's camera shows a picture. */
    public void configured(int number) {
        if (number == opening && state == State.CONFIGURING) {
            state = State.SHOWING;
            driver.wakeAfter(opening, SETTLED_MS);
            tell();
        }
    }

    /** The number's camera cannot deliver what it was asked for; it is still open. */
    public void configureFailed(int number) {
        if (number == opening && (state == State.CONFIGURING || state == State.SHOWING)) {
            driver.close(opening);
            await(CameraTrouble.BROKEN);
        }
    }

    /** The number's camera was taken away, before or after it was opened. */
    public void disconnected(int number) {
        failed(number, CameraTrouble.TAKEN);
    }

    /** The number's camera failed, before or after it was opened. */
    public void failed(int number, CameraTrouble trouble) {
        if (number == opening && state != State.CLOSED && state != State.WAITING) {
            if (isWanted()) {
                await(trouble);
            } else {
                state = State.CLOSED;
                tell();
            }
        }
    }

    /** What {@link CameraDriver#wakeAfter} was asked for. */
    public void timePassed(int number) {
        if (number != opening) {
            return;
        }
        if (state == State.SHOWING) {
            failures = 0;
        } else if (state == State.WAITING) {
            tryAgain();
        }
    }

    private boolean isWanted() {
        return started && hasSurface && allowed;
    }

    private void tryAgain() {
        if (state == State.WAITING) {
            state = State.CLOSED;
        }
        update();
    }

    /** Brings what is open into line with what is wanted. */
    private void update() {
        boolean isOpen = state == State.CONFIGURING || state == State.SHOWING;
        boolean isOther = isOpen && isWanted() && !camera.id().equals(idOf(choose()));
        if (isOpen && (!isWanted() || isOther)) {
            close();
        } else if (state == State.WAITING && !isWanted()) {
            state = State.CLOSED;
        }
        if (state == State.CLOSED && isWanted()) {
            open();
        }
        tell();
    }

    private void open() {
        opening++;
        try {
            known = driver.cameras();
        } catch (CameraException error) {
            await(error.trouble());
            return;
        }
        CameraInfo chosen = choose();
        if (chosen == null) {
            camera = null;
            waitFor(CameraStatus.MISSING, true);
            return;
        }
        camera = chosen;
        state = State.OPENING;
        driver.open(opening, camera, Rotation.upright(camera, displayDegrees));
    }

    private void close() {
        state = State.CLOSED;
        driver.close(opening);
    }

    private void await(CameraTrouble trouble) {
        boolean any = trouble == CameraTrouble.TOO_MANY || camera == null;
        switch (trouble) {
            case TAKEN:
            case TOO_MANY:
                waitFor(CameraStatus.TAKEN, any);
                break;
            case FORBIDDEN:
                waitFor(CameraStatus.FORBIDDEN, any);
                break;
            default:
                waitFor(CameraStatus.BROKEN, any);
        }
    }

    private void waitFor(CameraStatus status, boolean any) {
        state = State.WAITING;
        waitingFor = status;
        anyMayHelp = any;
        failures++;
        // Waiting has a number of its own, so that nothing of what failed is taken for its end.
        opening++;
        // To ask by the clock for what another app holds would be to fight for it.
        if (status != CameraStatus.TAKEN || failures > MOST_TRIES_AT_ONCE) {
            driver.wakeAfter(opening, delayMs());
        }
        tell();
    }

    private long delayMs() {
        int doublings = Math.min(failures - 1, 10);
        return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS << Math.max(0, doublings));
    }

    /** The camera on the preferred side, else one on the back, else any; null if there is none. */
    private CameraInfo choose() {
        CameraInfo back = null;
        for (CameraInfo info : known) {
            if (info.facing() == facing) {
                return info;
            }
            if (back == null && info.facing() == Facing.BACK) {
                back = info;
            }
        }
        return back != null ? back : known.isEmpty() ? null : known.get(0);
    }

    private static String idOf(CameraInfo info) {
        return info == null ? "" : info.id();
    }

    private void tell() {
        boolean canSwitch = false;
        for (CameraInfo info : known) {
            canSwitch |= info.facing() != known.get(0).facing();
        }
        listener.onCamera(new CameraView(status(), camera, canSwitch));
    }

    private CameraStatus status() {
        if (started && !allowed) {
            return CameraStatus.NOT_ALLOWED;
        }
        if (!isWanted()) {
            return CameraStatus.OFF;
        }
        switch (state) {
            case SHOWING:
                return CameraStatus.SHOWING;
            case WAITING:
                return waitingFor;
            default:
                return CameraStatus.OPENING;
        }
    }
}
