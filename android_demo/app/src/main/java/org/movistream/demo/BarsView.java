package org.movistream.demo;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.util.AttributeSet;
import android.view.View;

/** The best labels, each with a bar as long as its score; bold while an event is going on. */
public final class BarsView extends View {
    private final Paint bar = new Paint();
    private final Paint background = new Paint();
    private final Paint text = new Paint(Paint.ANTI_ALIAS_FLAG);
    private Latest latest;

    public BarsView(Context context, AttributeSet attributes) {
        super(context, attributes);
        bar.setColor(context.getColor(R.color.bar));
        background.setColor(context.getColor(R.color.bar_background));
        text.setColor(context.getColor(R.color.text));
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
        float line = getHeight() / (float) Latest.TOP;
        float barHeight = line / 5;
        text.setTextSize(line / 2);
        synchronized (latest) {
            for (int rank = 0; rank < latest.count; rank++) {
                float top = rank * line;
                text.setFakeBoldText(latest.goingOn[rank]);
                canvas.drawText(latest.labels[rank], 0, top + line * 0.55f, text);
                float bottom = top + line * 0.9f;
                canvas.drawRect(0, bottom - barHeight, getWidth(), bottom, background);
                canvas.drawRect(0, bottom - barHeight, getWidth() * latest.scores[rank], bottom,
                        bar);
            }
        }
    }
}
