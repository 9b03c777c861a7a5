package org.movistream.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.DialogInterface;
import android.view.View;
import android.widget.ArrayAdapter;
import android.widget.Spinner;
import android.widget.Switch;
import java.text.NumberFormat;
import org.movistream.demo.logic.settings.Choices;
import org.movistream.demo.logic.settings.Settings;

/** Engine, smoothing and events; what changes them takes a fresh stream. */
final class SettingsDialog {
    private final Activity activity;
    private final View view;

    private SettingsDialog(Activity activity) {
        this.activity = activity;
        view = activity.getLayoutInflater().inflate(R.layout.dialog_settings, null);
    }

    static void show(Activity activity, DemoApplication application) {
        new SettingsDialog(activity).show(application);
    }

    private void show(final DemoApplication application) {
        final Settings now = application.watcher().settings();
        final Double[] counts = Choices.threads(Runtime.getRuntime().availableProcessors());
        final Spinner threads = list(R.id.threads, counts, (double) now.threads(), 0);
        final Spinner horizon =
                list(R.id.horizon, Choices.HORIZON_FRAMES, Choices.horizon(now), 0);
        final Spinner smoothing =
                list(R.id.smoothing, Choices.SMOOTHING_S, now.smoothingS(), R.string.none);
        final Spinner enter = list(R.id.enter, Choices.ENTER, now.enter(), 0);
        final Spinner leave = list(R.id.leave, Choices.LEAVE, now.leave(), 0);
        final Spinner shortest =
                list(R.id.shortest, Choices.SHORTEST_S, now.shortestS(), R.string.any_length);
        final Switch gpu = (Switch) view.findViewById(R.id.gpu);
        gpu.setChecked(now.gpu());
        new AlertDialog.Builder(activity)
                .setTitle(R.string.settings)
                .setView(view)
                .setNegativeButton(R.string.cancel, null)
                .setPositiveButton(R.string.apply, new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        application.change(Choices.settings(application.watcher().settings(),
                                of(counts, threads).intValue(), of(Choices.HORIZON_FRAMES, horizon),
                                gpu.isChecked(), of(Choices.SMOOTHING_S, smoothing),
                                of(Choices.ENTER, enter), of(Choices.LEAVE, leave),
                                of(Choices.SHORTEST_S, shortest)));
                    }
                })
                .show();
    }

    private static Double of(Double[] offered, Spinner chosen) {
        return offered[chosen.getSelectedItemPosition()];
    }

    /** @param zero words for 0; 0 for none. */
    private Spinner list(int id, Double[] offered, Double now, int zero) {
        NumberFormat format = NumberFormat.getNumberInstance();
        String[] texts = new String[offered.length];
        for (int index = 0; index < texts.length; index++) {
            if (offered[index] == null) {
                texts[index] = activity.getString(R.string.as_model_says);
            } else {
                texts[index] = offered[index] == 0 && zero != 0 ? activity.getString(zero)
                        : format.format(offered[index]);
            }
        }
        ArrayAdapter<String> adapter = new ArrayAdapter<>(
                activity, android.R.layout.simple_spinner_item, texts);
        adapter.setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item);
        Spinner spinner = (Spinner) view.findViewById(id);
        spinner.setAdapter(adapter);
        spinner.setSelection(Choices.nearest(offered, now));
        return spinner;
    }
}
