package org.movistream.demo;

import android.Manifest;
import android.app.Activity;
import android.app.AlertDialog;
import android.content.ActivityNotFoundException;
import android.content.DialogInterface;
import android.content.Intent;
import android.content.pm.PackageManager;
import android.os.Bundle;
import android.view.SurfaceHolder;
import android.view.View;
import android.view.WindowManager;
import android.widget.Button;
import android.widget.TextView;
import org.movistream.core.Event;

/** The camera, what the model makes of it, and the choices. */
public final class MainActivity extends Activity
        implements Watcher.Listener, SurfaceHolder.Callback {
    private static final int ASK_CAMERA = 1;
    private static final int PICK_MODEL = 2;
    private static final int DEGREES_PER_TURN = 90;

    private Watcher watcher;
    private Camera camera;
    private SurfaceHolder surface;
    private Button start;
    private TextView status;
    private TextView events;
    private BarsView bars;
    private ChartView chart;
    private int eventsShown = -1;

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.activity_main);
        getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        watcher = ((DemoApplication) getApplication()).watcher();
        camera = new Camera(this, watcher);
        status = (TextView) findViewById(R.id.status);
        events = (TextView) findViewById(R.id.events);
        bars = (BarsView) findViewById(R.id.bars);
        chart = (ChartView) findViewById(R.id.chart);
        bars.setLatest(watcher.latest);
        chart.setLatest(watcher.latest);
        ((PreviewView) findViewById(R.id.preview)).getHolder().addCallback(this);
        start = (Button) findViewById(R.id.start);
        onClick(R.id.start, new Runnable() {
            @Override
            public void run() {
                startOrStop();
            }
        });
        onClick(R.id.reset, new Runnable() {
            @Override
            public void run() {
                watcher.reset();
            }
        });
        onClick(R.id.model, new Runnable() {
            @Override
            public void run() {
                chooseModel();
            }
        });
        onClick(R.id.settings, new Runnable() {
            @Override
            public void run() {
                SettingsDialog.show(MainActivity.this, watcher);
            }
        });
        onClick(R.id.benchmark, new Runnable() {
            @Override
            public void run() {
                watcher.stop();
                startActivity(new Intent(MainActivity.this, BenchmarkActivity.class));
            }
        });
    }

    private void onClick(int id, final Runnable action) {
        findViewById(id).setOnClickListener(new View.OnClickListener() {
            @Override
            public void onClick(View view) {
                action.run();
            }
        });
    }

    @Override
    protected void onStart() {
        super.onStart();
        watcher.setListener(this);
        onStatus();
        onResult();
        openCamera();
    }

    @Override
    protected void onStop() {
        super.onStop();
        camera.close();
        watcher.setListener(null);
    }

    @Override
    public void surfaceCreated(SurfaceHolder holder) {}

    @Override
    public void surfaceChanged(SurfaceHolder holder, int format, int width, int height) {
        surface = holder;
        openCamera();
    }

    @Override
    public void surfaceDestroyed(SurfaceHolder holder) {
        surface = null;
        camera.close();
    }

    @Override
    public void onRequestPermissionsResult(int request, String[] permissions, int[] results) {
        if (mayUseCamera()) {
            watcher.start();
            openCamera();
        } else {
            watcher.show(getString(R.string.camera_refused));
        }
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        if (request == PICK_MODEL && result == RESULT_OK && data != null
                && data.getData() != null) {
            watcher.pick(data.getData());
        }
    }

    @Override
    public void onResult() {
        bars.invalidate();
        chart.invalidate();
        showStatus();
        int count;
        synchronized (watcher.latest) {
            count = watcher.latest.eventCount;
        }
        if (count != eventsShown) {
            eventsShown = count;
            listEvents();
        }
    }

    @Override
    public void onStatus() {
        start.setText(watcher.isRunning() ? R.string.stop : R.string.start);
        showStatus();
    }

    private void showStatus() {
        if (!watcher.message().isEmpty()) {
            status.setText(watcher.message());
        } else if (watcher.isRunning()) {
            double framesPerSecond;
            synchronized (watcher.latest) {
                framesPerSecond = watcher.latest.framesPerSecond;
            }
            status.setText(getString(R.string.status_running, watcher.modelName(),
                    watcher.engineName(), framesPerSecond));
        } else {
            status.setText(getString(R.string.status_stopped, watcher.modelName()));
        }
    }

    private void listEvents() {
        StringBuilder lines = new StringBuilder();
        for (Event event : watcher.latest.events()) {
            lines.append(getString(R.string.event_line, event.label, event.startS, event.endS,
                    100 * event.peakScore)).append('\n');
        }
        events.setText(lines.length() == 0 ? getString(R.string.events_none) : lines);
    }

    private void startOrStop() {
        if (watcher.isRunning()) {
            watcher.stop();
        } else if (mayUseCamera()) {
            watcher.start();
            openCamera();
        } else {
            requestPermissions(new String[] {Manifest.permission.CAMERA}, ASK_CAMERA);
        }
    }

    private boolean mayUseCamera() {
        return checkSelfPermission(Manifest.permission.CAMERA)
                == PackageManager.PERMISSION_GRANTED;
    }

    private void openCamera() {
        if (surface != null && mayUseCamera()) {
            int turns = getWindow().getDecorView().getDisplay().getRotation();
            camera.open(surface.getSurface(), turns * DEGREES_PER_TURN);
        }
    }

    private void chooseModel() {
        String[] choices = {getString(R.string.bundled_model), getString(R.string.pick_model)};
        new AlertDialog.Builder(this)
                .setTitle(R.string.model)
                .setItems(choices, new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        if (which == 0) {
                            watcher.change(watcher.settings().withModel(Settings.BUNDLED));
                        } else {
                            pickFile();
                        }
                    }
                })
                .show();
    }

    private void pickFile() {
        Intent intent = new Intent(Intent.ACTION_OPEN_DOCUMENT);
        intent.addCategory(Intent.CATEGORY_OPENABLE);
        intent.setType("*/*"); // .tflite has no registered type.
        try {
            startActivityForResult(intent, PICK_MODEL);
        } catch (ActivityNotFoundException error) {
            watcher.show(getString(R.string.file_unreadable));
        }
    }
}
