package org.movistream.demo;

import android.content.Context;
import android.util.AttributeSet;
import android.util.DisplayMetrics;
import android.view.Display;
import android.view.SurfaceView;
import org.movistream.demo.logic.camera.CameraInfo;
import org.movistream.demo.logic.camera.Facing;
import org.movistream.demo.logic.camera.FrameSize;
import org.movistream.demo.logic.camera.PreviewShape;

/** The camera's picture, as large as fits, in its own shape. */
public final class PreviewView extends SurfaceView {
    private static final int QUARTER_TURN = 90;
    /** Of nearly all phones, until the camera is known. */
    private static final int USUAL_SENSOR_DEGREES = 90;

    private CameraInfo camera =
            new CameraInfo("", Facing.BACK, USUAL_SENSOR_DEGREES, FrameSize.USUAL);

    public PreviewView(Context context, AttributeSet attributes) {
        super(context, attributes);
        getHolder().setFixedSize(FrameSize.USUAL.width(), FrameSize.USUAL.height());
    }

    /** The camera that fills it. */
    void setCamera(CameraInfo shown) {
        if (shown != camera) {
            camera = shown;
            getHolder().setFixedSize(shown.size().width(), shown.size().height());
            requestLayout();
        }
    }

    @Override
    protected void onMeasure(int widthSpec, int heightSpec) {
        DisplayMetrics window = getResources().getDisplayMetrics();
        // In a column that scrolls, half of the window belongs to the results.
        int mostHeight = MeasureSpec.getMode(heightSpec) == MeasureSpec.UNSPECIFIED
                ? window.heightPixels / 2 : MeasureSpec.getSize(heightSpec);
        // Beside them, half of its width does.
        int mostWidth = MeasureSpec.getMode(widthSpec) == MeasureSpec.AT_MOST
                ? Math.min(MeasureSpec.getSize(widthSpec), window.widthPixels / 2)
                : MeasureSpec.getSize(widthSpec);
        Display display = getDisplay();
        int degrees = display == null ? 0 : display.getRotation() * QUARTER_TURN;
        FrameSize size = PreviewShape.fitted(camera.size(), camera.sensorDegrees(), degrees,
                mostWidth, mostHeight);
        setMeasuredDimension(size.width(), size.height());
    }
}
