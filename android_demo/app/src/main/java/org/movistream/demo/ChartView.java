package org.movistream.demo;

import android.content.Context;
import android.graphics.Canvas;
import android.util.AttributeSet;
import android.view.View;
import android.view.accessibility.AccessibilityNodeInfo;
import org.movistream.core.History;
import org.movistream.demo.logic.drawing.ChartDrawing;
import org.movistream.demo.logic.drawing.Tint;
import org.movistream.demo.logic.watching.Latest;

/** Latency of the last frames and memory of the last minutes, with their newest values. */
public final class ChartView extends View {
    private static final float TEXT_SP = 14;

    private final CanvasBrush brush;
    private final float[] values = new float[Latest.CHART_POINTS];
    private Latest latest;

    public ChartView(Context context, AttributeSet attributes) {
        super(context, attributes);
        brush = new CanvasBrush(context);
    }

    void setLatest(Latest latest) {
        this.latest = latest;
    }

    private ChartDrawing chart(int width) {
        return new ChartDrawing(CanvasBrush.frame(this, width, TEXT_SP), Latest.CHART_POINTS);
    }

    @Override
    protected void onMeasure(int widthSpec, int heightSpec) {
        int width = MeasureSpec.getSize(widthSpec);
        setMeasuredDimension(width, (int) Math.ceil(chart(width).height()));
    }

    @Override
    protected void onDraw(Canvas canvas) {
        super.onDraw(canvas);
        ChartDrawing chart = chart(getWidth());
        brush.on(canvas);
        draw(chart, 0, latest.latencyMs(), R.string.chart_latency, R.string.chart_latency_scale,
                Tint.BAR);
        draw(chart, 1, latest.memoryMb(), R.string.chart_memory, R.string.chart_memory_scale,
                Tint.MEMORY);
    }

    private void draw(ChartDrawing chart, int place, History history, int title, int scale,
            Tint tint) {
        int count = history.copyTo(values);
        if (count > 0) {
            Context words = getContext();
            chart.panel(brush, place, values, count, words.getString(title, values[count - 1]),
                    words.getString(scale, ChartDrawing.scaleEnd(values, count)), tint);
        }
    }

    @Override
    public void onInitializeAccessibilityNodeInfo(AccessibilityNodeInfo info) {
        super.onInitializeAccessibilityNodeInfo(info);
        info.setContentDescription(newest(latest.latencyMs(), R.string.chart_latency) + ", "
                + newest(latest.memoryMb(), R.string.chart_memory));
    }

    private String newest(History history, int words) {
        int count = history.copyTo(values);
        return count == 0 ? "" : getContext().getString(words, values[count - 1]);
    }
}
