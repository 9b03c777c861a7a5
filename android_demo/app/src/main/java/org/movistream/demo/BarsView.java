package org.movistream.demo;

import android.content.Context;
import android.graphics.Canvas;
import android.os.SystemClock;
import android.util.AttributeSet;
import android.view.View;
import android.view.accessibility.AccessibilityNodeInfo;
import java.text.NumberFormat;
import org.movistream.demo.logic.drawing.Announcer;
import org.movistream.demo.logic.drawing.BarsDrawing;
import org.movistream.demo.logic.watching.Latest;

/** The best labels with their scores; who listens is told when what is seen changes. */
public final class BarsView extends View {
    private static final float TEXT_SP = 16;

    private final CanvasBrush brush;
    private final NumberFormat percent = NumberFormat.getPercentInstance();
    private final Announcer announcer = new Announcer();
    private Latest latest;

    public BarsView(Context context, AttributeSet attributes) {
        super(context, attributes);
        brush = new CanvasBrush(context);
        setAccessibilityLiveRegion(ACCESSIBILITY_LIVE_REGION_POLITE);
    }

    void setLatest(Latest latest) {
        this.latest = latest;
    }

    /** There is something new. */
    void refresh() {
        invalidate();
        if (announcer.isDue(latest.subject(), SystemClock.elapsedRealtime())) {
            setContentDescription(spoken());
        }
    }

    @Override
    protected void onMeasure(int widthSpec, int heightSpec) {
        int width = MeasureSpec.getSize(widthSpec);
        float height = new BarsDrawing(CanvasBrush.frame(this, width, TEXT_SP))
                .height(Latest.TOP);
        setMeasuredDimension(width, (int) Math.ceil(height));
    }

    @Override
    protected void onDraw(Canvas canvas) {
        super.onDraw(canvas);
        BarsDrawing bars = new BarsDrawing(CanvasBrush.frame(this, getWidth(), TEXT_SP));
        synchronized (latest) {
            for (int rank = 0; rank < latest.count(); rank++) {
                float score = latest.score(rank);
                bars.row(brush.on(canvas), rank, latest.label(rank), score,
                        percent.format(score), latest.isGoingOn(rank));
            }
            if (latest.count() == 0) {
                bars.empty(brush.on(canvas), getContext().getString(R.string.bars_empty));
            }
        }
    }

    @Override
    public void onInitializeAccessibilityNodeInfo(AccessibilityNodeInfo info) {
        super.onInitializeAccessibilityNodeInfo(info);
        info.setContentDescription(spoken());
    }

    private String spoken() {
        StringBuilder words = new StringBuilder();
        synchronized (latest) {
            for (int rank = 0; rank < latest.count(); rank++) {
                words.append(words.length() == 0 ? "" : ", ").append(getContext().getString(
                        latest.isGoingOn(rank) ? R.string.spoken_going_on : R.string.spoken,
                        latest.label(rank), percent.format(latest.score(rank))));
            }
        }
        return words.length() == 0 ? getContext().getString(R.string.bars_empty)
                : words.toString();
    }
}
