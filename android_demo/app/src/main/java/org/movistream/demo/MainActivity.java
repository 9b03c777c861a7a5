package org.movistream.demo;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Intent;
import android.hardware.display.DisplayManager;
import android.net.Uri;
import android.os.Build;
import android.os.Bundle;
import android.os.SystemClock;
import android.view.SurfaceHolder;
import android.view.View;
import android.view.WindowManager;
import org.movistream.core.YuvFrame;
import org.movistream.demo.logic.settings.Settings;
import org.movistream.demo.logic.watching.Note;
import org.movistream.demo.logic.watching.NoteKind;
import org.movistream.demo.logic.watching.Watcher;

/** Wires the screen to what outlives it. */
public final class MainActivity extends Activity
        implements SurfaceHolder.Callback, DisplayManager.DisplayListener {
    private static final int ASK_CAMERA = 1;
    private static final int PICK_MODEL = 2;
    private static final int PICK_VIDEO = 3;
    private static final int DEGREES_PER_TURN = 90;
    /** From this version on, Android tells which of several visible apps is at the front. */
    private static final int TELLS_TOP_RESUMED = 29;

    private DemoApplication application;
    private Watcher<YuvFrame> watcher;
    private Camera camera;
    private CameraPermission permission;
    private MainScreen screen;

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.activity_main);
        getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        application = (DemoApplication) getApplication();
        watcher = application.watcher();
        camera = application.camera();
        permission = new CameraPermission(this, application.preferences(), ASK_CAMERA);
        screen = new MainScreen(this, application);
        ((PreviewView) findViewById(R.id.preview)).getHolder().addCallback(this);
        if (saved == null) {
            open(getIntent());
        }
    }

    @Override
    protected void onNewIntent(Intent intent) {
        super.onNewIntent(intent);
        open(intent);
    }

    /** "Open with" goes the way of a picked file. */
    private void open(Intent intent) {
        if (Intent.ACTION_VIEW.equals(intent.getAction()) && intent.getData() != null) {
            application.pick().begin(intent.getData());
        }
    }

    @Override
    protected void onStart() {
        super.onStart();
        getSystemService(DisplayManager.class).registerDisplayListener(this, null);
        screen.attach();
        application.meter().setShown(true);
        onDisplayChanged(0);
        camera.setPermission(permission.isGranted());
        camera.setStarted(true);
    }

    @Override
    protected void onResume() {
        super.onResume();
        camera.setPermission(permission.isGranted());
        if (Build.VERSION.SDK_INT < TELLS_TOP_RESUMED) {
            camera.setTopResumed(true);
        }
    }

    /** Called by Android 10 and newer. */
    public void onTopResumedActivityChanged(boolean isTop) {
        camera.setTopResumed(isTop);
    }

    @Override
    protected void onStop() {
        super.onStop();
        camera.setStarted(false);
        application.meter().setShown(false);
        screen.detach();
        getSystemService(DisplayManager.class).unregisterDisplayListener(this);
    }

    @Override
    public void surfaceCreated(SurfaceHolder holder) {}

    @Override
    public void surfaceChanged(SurfaceHolder holder, int format, int width, int height) {
        camera.setSurface(holder.getSurface());
    }

    @Override
    public void surfaceDestroyed(SurfaceHolder holder) {
        camera.setSurface(null);
    }

    /** A turn by 180 degrees is told here and nowhere else. */
    @Override
    public void onDisplayChanged(int display) {
        int turns = getWindowManager().getDefaultDisplay().getRotation();
        camera.setDisplayDegrees(turns * DEGREES_PER_TURN);
    }

    @Override
    public void onDisplayAdded(int display) {}

    @Override
    public void onDisplayRemoved(int display) {}

    @Override
    public void onRequestPermissionsResult(int request, String[] asked, int[] results) {
        camera.setPermission(permission.isGranted());
        if (permission.isGranted()) {
            watcher.start();
        }
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        Uri picked = result == RESULT_OK && data != null ? data.getData() : null;
        if (request == PICK_MODEL && picked != null) {
            application.pick().begin(picked);
        } else if (request == PICK_VIDEO && picked != null) {
            watcher.watch(new GalleryVideo(getContentResolver(), picked));
        }
    }

    // Named in the layout.

    public void startOrStop(View view) {
        if (watcher.isRunning()) {
            watcher.stop();
        } else if (permission.isGranted()) {
            watcher.start();
        } else {
            permission.ask();
        }
    }

    public void reset(View view) {
        watcher.reset();
    }

    public void chooseVideo(View view) {
        Intent intent = new Intent(Intent.ACTION_GET_CONTENT);
        intent.addCategory(Intent.CATEGORY_OPENABLE);
        intent.setType("video/*");
        try {
            startActivityForResult(intent, PICK_VIDEO);
        } catch (ActivityNotFoundException error) {
            application.board().tellBriefly(Note.of(NoteKind.VIDEO_FAILED,
                    getString(R.string.file_unreadable)), SystemClock.elapsedRealtime());
        }
    }

    public void chooseModel(View view) {
        if (application.pick().isRunning()) {
            application.pick().cancel();
        } else {
            ModelDialog.show(this, application, PICK_MODEL);
        }
    }

    public void changeSettings(View view) {
        SettingsDialog.show(this, application);
    }

    public void switchCamera(View view) {
        Settings settings = watcher.settings();
        Settings other = settings.withFacing(settings.facing().opposite());
        application.change(other);
        watcher.beginAgain();
        camera.show(other.facing());
    }

    public void shareEvents(View view) {
        EventShare.show(this, watcher.latest().events());
    }

    public void openBenchmark(View view) {
        watcher.stop();
        startActivity(new Intent(this, BenchmarkActivity.class));
    }
}
