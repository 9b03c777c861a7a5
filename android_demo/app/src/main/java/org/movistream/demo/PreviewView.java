package org.movistream.demo;

import android.content.Context;
import android.content.res.Configuration;
import android.util.AttributeSet;
import android.view.SurfaceView;

/** The camera's picture, as large as fits, in its own aspect ratio. */
public final class PreviewView extends SurfaceView {
    public PreviewView(Context context, AttributeSet attributes) {
        super(context, attributes);
        getHolder().setFixedSize(Camera.WIDTH, Camera.HEIGHT);
    }

    @Override
    protected void onMeasure(int widthSpec, int heightSpec) {
        boolean upright = getResources().getConfiguration().orientation
                == Configuration.ORIENTATION_PORTRAIT;
        int longSide = Math.max(Camera.WIDTH, Camera.HEIGHT);
        int shortSide = Math.min(Camera.WIDTH, Camera.HEIGHT);
        int across = upright ? shortSide : longSide;
        int down = upright ? longSide : shortSide;
        int width = MeasureSpec.getSize(widthSpec);
        // Upright, the lower half belongs to the results.
        int height = MeasureSpec.getSize(heightSpec) / (upright ? 2 : 1);
        if (width * down > height * across) {
            width = height * across / down;
        } else {
            height = width * down / across;
        }
        setMeasuredDimension(width, height);
    }
}
