package org.movistream.demo.logic.drawing;

/** Colours as 0xAARRGGBB; those of the app's resources are the same, which a test compares. */
public enum Palette {
    LIGHT(0xFFFAFAFA, 0xFF191C1D, 0xFF4F5658, 0xFF00696E, 0xFFD3E4E5, 0xFFB3541E, 0xFFC4C8C9),
    DARK(0xFF303030, 0xFFE1E3E3, 0xFFB9BEBF, 0xFF4CD9E0, 0xFF3B5355, 0xFFFFB68D, 0xFF5C6061);

    private final int[] colors;

    Palette(int... colors) {
        this.colors = colors;
    }

    public int color(Tint tint) {
        return colors[tint.ordinal()];
    }
}
