package org.movistream.demo;

import android.content.Context;
import android.content.res.Configuration;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.graphics.Typeface;
import android.util.TypedValue;
import android.view.View;
import org.movistream.demo.logic.drawing.Brush;
import org.movistream.demo.logic.drawing.Frame;
import org.movistream.demo.logic.drawing.Palette;
import org.movistream.demo.logic.drawing.Tint;

/** Draws on a view. */
final class CanvasBrush implements Brush {
    private final Paint shape = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final Paint text = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final Palette palette;
    private Canvas canvas;

    CanvasBrush(Context context) {
        int night = context.getResources().getConfiguration().uiMode
                & Configuration.UI_MODE_NIGHT_MASK;
        palette = night == Configuration.UI_MODE_NIGHT_YES ? Palette.DARK : Palette.LIGHT;
    }

    /** The place that a view offers, with texts of a size in sp. */
    static Frame frame(View view, int width, float sp) {
        android.util.DisplayMetrics metrics = view.getResources().getDisplayMetrics();
        return new Frame(width, metrics.density,
                TypedValue.applyDimension(TypedValue.COMPLEX_UNIT_SP, sp, metrics),
                view.getLayoutDirection() == View.LAYOUT_DIRECTION_RTL);
    }

    CanvasBrush on(Canvas target) {
        canvas = target;
        return this;
    }

    @Override
    public void box(float left, float top, float right, float bottom, float radius, Tint tint) {
        shape.setStyle(Paint.Style.FILL);
        shape.setColor(palette.color(tint));
        canvas.drawRoundRect(left, top, right, bottom, radius, radius, shape);
    }

    @Override
    public void text(String words, float left, float baseline, float size, boolean bold,
            Tint tint) {
        prepare(size, bold);
        text.setColor(palette.color(tint));
        canvas.drawText(words, left, baseline, text);
    }

    @Override
    public void line(float[] points, int numbers, float width, Tint tint) {
        shape.setStyle(Paint.Style.STROKE);
        shape.setStrokeWidth(width);
        shape.setColor(palette.color(tint));
        for (int index = 0; index + 3 < numbers; index += 2) {
            canvas.drawLine(points[index], points[index + 1], points[index + 2],
                    points[index + 3], shape);
        }
    }

    @Override
    public float textWidth(String words, float size, boolean bold) {
        prepare(size, bold);
        return text.measureText(words);
    }

    private void prepare(float size, boolean bold) {
        text.setTextSize(size);
        text.setTypeface(bold ? Typeface.DEFAULT_BOLD : Typeface.DEFAULT);
    }
}
