package org.movistream.demo.logic.drawing;

/**
 * Two charts, of latency and of memory: side by side where there is room, else one below the
 * other. Time goes from left to right everywhere; texts begin where lines begin.
 */
public final class ChartDrawing {
    private static final float LINE = 1.4f;
    private static final float CURVE_DP = 48;
    private static final float GAP_DP = 12;
    private static final float STROKE_DP = 1.5f;

    private final Frame frame;
    private final int mostPoints;
    private final float[] points;
    private final float[] rule = new float[4];

    /** @param mostPoints that fill the width. */
    public ChartDrawing(Frame frame, int mostPoints) {
        this.frame = frame;
        this.mostPoints = mostPoints;
        points = new float[2 * mostPoints];
    }

    /** Of both, in pixels. */
    public float height() {
        return frame.isWide() ? panelHeight() : 2 * panelHeight();
    }

    private float panelHeight() {
        return frame.textSize() * LINE + frame.pixels(CURVE_DP + GAP_DP);
    }

    /** The highest value of a chart's scale: 1, 2 or 5 times a power of ten. */
    public static float scaleEnd(float[] values, int count) {
        float highest = 0;
        for (int index = 0; index < count; index++) {
            highest = Math.max(highest, values[index]);
        }
        if (!(highest > 0) || highest > Float.MAX_VALUE) {
            return 1;
        }
        double power = Math.pow(10, Math.floor(Math.log10(highest)));
        for (int times : new int[] {1, 2, 5}) {
            if (highest <= times * power * 1.0001) {
                return (float) (times * power);
            }
        }
        return (float) (10 * power);
    }

    /**
     * Draws one of the two.
     *
     * @param place 0 for the first, 1 for the second.
     * @param values oldest first; of them, the last {@code count}, at most as many as fit.
     * @param title with the newest value.
     * @param scale the text of {@link #scaleEnd}.
     */
    public void panel(Brush brush, int place, float[] values, int count, String title,
            String scale, Tint tint) {
        float gap = frame.pixels(GAP_DP);
        float width = frame.isWide() ? (frame.width() - 2 * gap) / 2 : frame.width();
        float start = frame.isWide() && place == 1 ? width + 2 * gap : 0;
        float left = frame.left(start, width);
        float top = frame.isWide() ? 0 : place * panelHeight();
        float size = frame.textSize();
        float scaleWidth = brush.textWidth(scale, size, false);
        boolean hasRoom = scaleWidth < width / 2;
        float room = width - (hasRoom ? scaleWidth + gap : 0);
        String shown = Frame.cut(brush, title, room, size, false);
        brush.text(shown, frame.left(start, brush.textWidth(shown, size, false)), top + size,
                size, false, tint);
        if (hasRoom) {
            brush.text(scale, frame.left(start + width - scaleWidth, scaleWidth), top + size,
                    size, false, Tint.FAINT_TEXT);
        }
        float upper = top + size * LINE;
        float lower = upper + frame.pixels(CURVE_DP);
        ruler(brush, left, width, upper);
        ruler(brush, left, width, lower);
        curve(brush, values, Math.min(count, mostPoints), left, width, upper, lower, tint);
    }

    private void ruler(Brush brush, float left, float width, float height) {
        rule[0] = left;
        rule[1] = height;
        rule[2] = left + width;
        rule[3] = height;
        brush.line(rule, rule.length, frame.pixels(1), Tint.GRID);
    }

    private void curve(Brush brush, float[] values, int count, float left, float width,
            float upper, float lower, Tint tint) {
        if (count < 2) {
            return;
        }
        float end = scaleEnd(values, count);
        float step = width / Math.max(1, mostPoints - 1);
        for (int index = 0; index < count; index++) {
            // Written so that what is no number lies on the ground.
            float share = values[index] > 0 ? Math.min(1, values[index] / end) : 0;
            points[2 * index] = left + index * step;
            points[2 * index + 1] = lower - share * (lower - upper);
        }
        brush.line(points, 2 * count, frame.pixels(STROKE_DP), tint);
    }
}
