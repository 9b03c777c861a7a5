package org.movistream.demo.logic.drawing;

/** The best labels, each with its score as a number and as a bar. */
public final class BarsDrawing {
    private static final float LINE = 1.4f;
    private static final float ASCENT = 1f;
    private static final float BAR_DP = 8;
    private static final float GAP_DP = 12;
    private static final float DOT = 0.45f;

    private final Frame frame;

    public BarsDrawing(Frame frame) {
        this.frame = frame;
    }

    /** In pixels, for so many labels. */
    public float height(int rows) {
        return rows * rowHeight();
    }

    private float rowHeight() {
        return frame.textSize() * LINE + frame.pixels(BAR_DP + GAP_DP);
    }

    /**
     * Draws a row.
     *
     * @param rank from 0, best first.
     * @param score in [0, 1].
     * @param percent the score as a text.
     * @param goingOn whether an event is going on: then it is bold and has a dot.
     */
    public void row(Brush brush, int rank, String label, float score, String percent,
            boolean goingOn) {
        float top = rank * rowHeight();
        float size = frame.textSize();
        float baseline = top + size * ASCENT;
        float dot = goingOn ? size * DOT : 0;
        float indent = goingOn ? dot * 1.75f : 0;
        if (goingOn) {
            float left = frame.left(0, dot);
            float middle = baseline - size * 0.35f;
            brush.box(left, middle - dot / 2, left + dot, middle + dot / 2, dot / 2, Tint.BAR);
        }
        float percentWidth = brush.textWidth(percent, size, goingOn);
        float gap = frame.pixels(GAP_DP);
        String shown = Frame.cut(
                brush, label, frame.width() - indent - percentWidth - gap, size, goingOn);
        brush.text(shown, frame.left(indent, brush.textWidth(shown, size, goingOn)), baseline,
                size, goingOn, Tint.TEXT);
        brush.text(percent, frame.left(frame.width() - percentWidth, percentWidth), baseline,
                size, goingOn, Tint.TEXT);
        float barTop = top + size * LINE;
        float barBottom = barTop + frame.pixels(BAR_DP);
        float radius = frame.pixels(BAR_DP / 2);
        brush.box(0, barTop, frame.width(), barBottom, radius, Tint.BAR_BACKGROUND);
        float length = frame.width() * Math.max(0, Math.min(1, score));
        // What is shorter than it is high would be no bar any more.
        if (length >= 2 * radius) {
            float left = frame.left(0, length);
            brush.box(left, barTop, left + length, barBottom, radius, Tint.BAR);
        }
    }

    /** Says what will be there, while there is nothing. */
    public void empty(Brush brush, String hint) {
        float size = frame.textSize();
        String shown = Frame.cut(brush, hint, frame.width(), size, false);
        brush.text(shown, frame.left(0, brush.textWidth(shown, size, false)), size * ASCENT, size,
                false, Tint.FAINT_TEXT);
    }
}
