package org.movistream.demo.logic.settings;

import org.movistream.demo.logic.camera.Facing;

/**
 * Settings that outlive the process. Values that are missing, of another kind or out of range, as
 * a later version or a half-written file may leave them, are replaced by the initial ones, each
 * for itself.
 */
public final class SettingsStore {
    private final Preferences preferences;

    public SettingsStore(Preferences preferences) {
        this.preferences = preferences;
    }

    /** @param initial what holds for what was not kept. */
    public Settings read(Settings initial) {
        Settings found = initial;
        String model = text("model");
        if (model != null) {
            found = found.withModel(model);
        }
        for (Facing facing : Facing.values()) {
            if (facing.name().equals(text("facing"))) {
                found = found.withFacing(facing);
            }
        }
        try {
            found = found.withEngine((int) number("threads", found.threads()),
                    found.horizonFrames(), "true".equals(text("gpu")));
        } catch (IllegalArgumentException error) {
            found = found.withEngine(
                    found.threads(), found.horizonFrames(), "true".equals(text("gpu")));
        }
        try {
            found = found.withEngine(found.threads(),
                    (int) number("horizon_frames", found.horizonFrames()), found.gpu());
        } catch (IllegalArgumentException error) {
            // The initial one holds.
        }
        try {
            found = found.withSmoothing(number("smoothing_s", found.smoothingS()));
        } catch (IllegalArgumentException error) {
            // Likewise.
        }
        try {
            // The two belong together: one alone might lie on the wrong side of the other.
            found = found.withEvents(number("enter", found.enter()),
                    number("leave", found.leave()), found.shortestS());
        } catch (IllegalArgumentException error) {
            // Likewise.
        }
        try {
            found = found.withEvents(found.enter(), found.leave(),
                    number("shortest_s", found.shortestS()));
        } catch (IllegalArgumentException error) {
            // Likewise.
        }
        return found;
    }

    public void write(Settings settings) {
        preferences.put("model", settings.model());
        preferences.put("facing", settings.facing().name());
        preferences.put("threads", String.valueOf(settings.threads()));
        preferences.put("horizon_frames", String.valueOf(settings.horizonFrames()));
        preferences.put("gpu", String.valueOf(settings.gpu()));
        preferences.put("smoothing_s", String.valueOf(settings.smoothingS()));
        preferences.put("enter", String.valueOf(settings.enter()));
        preferences.put("leave", String.valueOf(settings.leave()));
        preferences.put("shortest_s", String.valueOf(settings.shortestS()));
    }

    private String text(String name) {
        try {
            return preferences.get(name);
        } catch (ClassCastException error) {
            return null;
        }
    }

    /** @throws IllegalArgumentException if it is no number. */
    private double number(String name, double otherwise) {
        String text = text(name);
        return text == null ? otherwise : Double.parseDouble(text);
    }
}
