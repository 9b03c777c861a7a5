package org.movistream.demo;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.util.AttributeSet;
import android.view.View;
import org.movistream.core.History;

/** Latency of the last frames and memory of the last minutes, each from 0 to its highest. */
public final class ChartView extends View {
    private static final int MOST_POINTS = 300;

    private final Paint latencyPaint = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final Paint memoryPaint = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final float[] values = new float[MOST_POINTS];
    private final float[] lines = new float[4 * MOST_POINTS];
    private Latest latest;

    public ChartView(Context context, AttributeSet attributes) {
        super(context, attributes);
        float density = getResources().getDisplayMetrics().density;
        prepare(latencyPaint, context.getColor(R.color.bar), density);
        prepare(memoryPaint, context.getColor(R.color.memory_line), density);
    }

    private static void prepare(Paint paint, int color, float density) {
        paint.setColor(color);
        paint.setStrokeWidth(1.5f * density);
        paint.setTextSize(12 * density);
    }

    void setLatest(Latest latest) {
        this.latest = latest;
    }

    @Override
    protected void onDraw(Canvas canvas) {
        super.onDraw(canvas);
        if (latest == null) {
            return;
        }
        draw(canvas, latest.latencyMs, latencyPaint, R.string.chart_latency, 0);
        draw(canvas, latest.memoryMb, memoryPaint, R.string.chart_memory, getWidth() / 2f);
    }

    private void draw(Canvas canvas, History history, Paint paint, int label, float labelLeft) {
        int count = history.copyTo(values);
        if (count < 2) {
            return;
        }
        float highest = 0;
        for (int index = 0; index < count; index++) {
            highest = Math.max(highest, values[index]);
        }
        float labelHeight = paint.getTextSize() * 1.3f;
        float scale = (getHeight() - labelHeight) / Math.max(highest, 1e-6f);
        float step = getWidth() / (float) (MOST_POINTS - 1);
        for (int index = 0; index < count - 1; index++) {
            lines[4 * index] = index * step;
            lines[4 * index + 1] = getHeight() - values[index] * scale;
            lines[4 * index + 2] = (index + 1) * step;
            lines[4 * index + 3] = getHeight() - values[index + 1] * scale;
        }
        canvas.drawLines(lines, 0, 4 * (count - 1), paint);
        canvas.drawText(getResources().getString(label, values[count - 1]), labelLeft,
                paint.getTextSize(), paint);
    }
}
