package org.movistream.demo;

import android.app.Activity;
import android.os.SystemClock;
import android.view.View;
import android.widget.Button;
import android.widget.TextView;
import java.text.NumberFormat;
import org.movistream.core.Event;
import org.movistream.core.YuvFrame;
import org.movistream.demo.logic.camera.CameraSession;
import org.movistream.demo.logic.camera.CameraView;
import org.movistream.demo.logic.watching.Latest;
import org.movistream.demo.logic.watching.Note;
import org.movistream.demo.logic.watching.NoteKind;
import org.movistream.demo.logic.watching.StatusBoard;
import org.movistream.demo.logic.watching.Watcher;

/** What the first screen shows of how things are. */
final class MainScreen implements Watcher.Listener, CameraSession.Listener, Runnable {
    private final Activity activity;
    private final DemoApplication application;
    private final Watcher<YuvFrame> watcher;
    private final Button start;
    private final Button model;
    private final TextView status;
    private final TextView events;
    private final BarsView bars;
    private final ChartView chart;
    private int eventsShown = -1;
    private Note engineNoteShown;

    MainScreen(Activity activity, DemoApplication application) {
        this.activity = activity;
        this.application = application;
        watcher = application.watcher();
        start = (Button) activity.findViewById(R.id.start);
        model = (Button) activity.findViewById(R.id.model);
        status = (TextView) activity.findViewById(R.id.status);
        events = (TextView) activity.findViewById(R.id.events);
        bars = (BarsView) activity.findViewById(R.id.bars);
        chart = (ChartView) activity.findViewById(R.id.chart);
        bars.setLatest(watcher.latest());
        chart.setLatest(watcher.latest());
    }

    void attach() {
        application.pick().setListener(this);
        application.camera().setListener(this);
        watcher.setListener(this);
    }

    void detach() {
        watcher.setListener(null);
        application.camera().setListener(null);
        application.pick().setListener(null);
    }

    @Override
    public void onResult() {
        bars.refresh();
        chart.invalidate();
        showStatus();
        int count = watcher.latest().eventCount();
        if (count != eventsShown) {
            eventsShown = count;
            listEvents();
        }
    }

    @Override
    public void onState(Note modelNote, Note engineNote) {
        application.board().set(StatusBoard.Topic.MODEL, modelNote);
        if (engineNote != null && engineNote != engineNoteShown) {
            application.board().tellBriefly(engineNote, SystemClock.elapsedRealtime());
        }
        engineNoteShown = engineNote;
        showStatus();
    }

    @Override
    public void onCamera(CameraView view) {
        String words = application.words().camera(view.status());
        application.board().set(StatusBoard.Topic.CAMERA,
                words.isEmpty() ? null : Note.of(NoteKind.CAMERA, words));
        activity.findViewById(R.id.switch_camera)
                .setVisibility(view.canSwitch() ? View.VISIBLE : View.GONE);
        if (view.camera() != null) {
            ((PreviewView) activity.findViewById(R.id.preview)).setCamera(view.camera());
        }
        showStatus();
    }

    /** Of the copy of a model. */
    @Override
    public void run() {
        showStatus();
    }

    private void showStatus() {
        boolean runs = watcher.isRunning();
        start.setText(runs ? R.string.stop : R.string.start);
        model.setText(application.pick().isRunning() ? R.string.stop_copying : R.string.model);
        activity.findViewById(R.id.welcome).setVisibility(runs ? View.GONE : View.VISIBLE);
        Note note = application.board().shown(SystemClock.elapsedRealtime());
        if (note != null) {
            set(application.words().note(note));
        } else if (runs) {
            set(activity.getString(R.string.status_running, watcher.modelName(),
                    watcher.engineName(), watcher.latest().framesPerSecond()));
        } else {
            set(activity.getString(R.string.status_stopped));
        }
    }

    private void set(String words) {
        if (!words.contentEquals(status.getText())) {
            status.setText(words);
        }
    }

    private void listEvents() {
        NumberFormat percent = NumberFormat.getPercentInstance();
        StringBuilder lines = new StringBuilder();
        Latest latest = watcher.latest();
        for (Event event : latest.events()) {
            lines.append(activity.getString(R.string.event_line, event.startedAtMs,
                    event.label, event.startS, event.endS,
                    percent.format(event.peakScore))).append('\n');
        }
        boolean none = lines.length() == 0;
        activity.findViewById(R.id.share_events).setEnabled(!none);
        events.setText(none ? activity.getString(R.string.events_none) : lines);
    }
}
