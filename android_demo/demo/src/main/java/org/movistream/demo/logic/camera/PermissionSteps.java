package org.movistream.demo.logic.camera;

/** What to do before the camera may be used. */
public enum PermissionSteps {
    /** It may. */
    GO,
    /** Say what for, and ask. */
    EXPLAIN,
    /** The system asks no more: only its settings can change that. */
    OPEN_SETTINGS;

    /**
     * The next step.
     *
     * @param wasRefused whether the system has ever said that a reason is due, as it does from the
     *     first refusal on. A question that was only dismissed is none.
     * @param reasonIsDue whether it says so now; after a refusal for good it does not.
     */
    public static PermissionSteps next(boolean granted, boolean wasRefused,
            boolean reasonIsDue) {
        if (granted) {
            return GO;
        }
        return wasRefused && !reasonIsDue ? OPEN_SETTINGS : EXPLAIN;
    }
}
