package org.movistream.demo.logic.watching;

/** What to do when Android asks an app for memory; levels as in {@code onTrimMemory}. */
public enum MemoryPressure {
    /** Nothing. */
    KEEP,
    /** Free the model; nobody sees it. It is loaded again with the next frame. */
    GIVE_BACK,
    /** Free the model while a person looks on, and say so. */
    STOP;

    /** Only Android 13 and older send it. */
    private static final int RUNNING_CRITICAL = 15;
    /** The app's screens are gone; one of the two that Android 14 and later still send. */
    private static final int UI_HIDDEN = 20;

    /** @param level what was sent; unknown ones count as their next lower. */
    public static MemoryPressure of(int level) {
        if (level >= UI_HIDDEN) {
            return GIVE_BACK;
        }
        return level >= RUNNING_CRITICAL ? STOP : KEEP;
    }
}
