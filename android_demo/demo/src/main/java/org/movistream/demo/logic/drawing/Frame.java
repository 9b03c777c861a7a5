package org.movistream.demo.logic.drawing;

/** Where something is drawn; a value that never changes. */
public final class Frame {
    private final float width;
    private final float density;
    private final float textSize;
    private final boolean rightToLeft;

    /**
     * Describes a place to draw.
     *
     * @param width in pixels.
     * @param density pixels of a dp.
     * @param textSize in pixels, as large as a person wants texts.
     * @param rightToLeft whether what comes first stands on the right.
     */
    public Frame(float width, float density, float textSize, boolean rightToLeft) {
        this.width = width;
        this.density = density;
        this.textSize = textSize;
        this.rightToLeft = rightToLeft;
    }

    public float width() {
        return width;
    }

    public float textSize() {
        return textSize;
    }

    float pixels(float dp) {
        return dp * density;
    }

    /** Whether two things stand side by side. */
    boolean isWide() {
        return width >= pixels(600) && width >= textSize * 40;
    }

    /** Where something begins on the left that is so far from the side where lines begin. */
    float left(float start, float length) {
        return rightToLeft ? width - start - length : start;
    }

    /** A text cut to a width, with an ellipsis where it is. */
    static String cut(Brush brush, String text, float most, float size, boolean bold) {
        if (brush.textWidth(text, size, bold) <= most) {
            return text;
        }
        int end = text.length();
        while (end > 0) {
            end = text.offsetByCodePoints(end, -1);
            String shorter = text.substring(0, end).trim() + "…";
            if (brush.textWidth(shorter, size, bold) <= most) {
                return shorter;
            }
        }
        return "";
    }
}
