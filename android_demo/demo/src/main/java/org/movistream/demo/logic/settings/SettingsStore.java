package org.movistream.demo.logic.settings;

import org.movistream.demo.logic.camera.Facing;

/**
 * Settings that outlive the process. Values that are missing, of another kind or out of range, as
 * a later version or a half-written file may leave them, are replaced by the initial ones, each
 * for itself. Earlier versions wrote down what they began with, though nobody had chosen it; that
 * is left to the model too.
 */
public final class SettingsStore {
    private static final String VERSION = "2";
    private static final String AS_MODEL = "model";
    private static final double FORMER_SMOOTHING_S = 0.3;
    private static final double FORMER_ENTER = 0.5;
    private static final double FORMER_LEAVE = 0.3;
    private static final double FORMER_SHORTEST_S = 0.5;

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
            found = found.withSmoothing(
                    ofModel("smoothing_s", found.smoothingS(), FORMER_SMOOTHING_S));
        } catch (IllegalArgumentException error) {
            // Likewise.
        }
        try {
            // The two belong together: one alone might lie on the wrong side of the other.
            found = found.withEvents(ofModel("enter", found.enter(), FORMER_ENTER),
                    ofModel("leave", found.leave(), FORMER_LEAVE), found.shortestS());
        } catch (IllegalArgumentException error) {
            // Likewise.
        }
        try {
            found = found.withEvents(found.enter(), found.leave(),
                    ofModel("shortest_s", found.shortestS(), FORMER_SHORTEST_S));
        } catch (IllegalArgumentException error) {
            // Likewise.
        }
        return found;
    }

    public void write(Settings settings) {
        preferences.put("version", VERSION);
        preferences.put("model", settings.model());
        preferences.put("facing", settings.facing().name());
        preferences.put("threads", String.valueOf(settings.threads()));
        preferences.put("horizon_frames", String.valueOf(settings.horizonFrames()));
        preferences.put("gpu", String.valueOf(settings.gpu()));
        putOfModel("smoothing_s", settings.smoothingS());
        putOfModel("enter", settings.enter());
        putOfModel("leave", settings.leave());
        putOfModel("shortest_s", settings.shortestS());
    }

    private void putOfModel(String name, Double value) {
        preferences.put(name, value == null ? AS_MODEL : value.toString());
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

    /**
     * A number that may be left to the model.
     *
     * @param former with what earlier versions began.
     * @throws IllegalArgumentException if it is neither.
     */
    private Double ofModel(String name, Double otherwise, double former) {
        String text = text(name);
        if (text == null) {
            return otherwise;
        }
        boolean isLeft = text.equals(AS_MODEL)
                || text("version") == null && Double.parseDouble(text) == former;
        return isLeft ? null : Double.valueOf(text);
    }
}
