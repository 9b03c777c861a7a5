package org.movistream.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.DialogInterface;
import android.view.View;
import android.widget.ArrayAdapter;
import android.widget.Spinner;
import android.widget.Switch;

/** Threads, horizon and GPU; what is applied takes a fresh stream. */
final class SettingsDialog {
    private SettingsDialog() {}

    static void show(Activity activity, final Watcher watcher) {
        View view = activity.getLayoutInflater().inflate(R.layout.dialog_settings, null);
        final Settings now = watcher.settings();
        final Spinner threads = (Spinner) view.findViewById(R.id.threads);
        final Spinner horizon = (Spinner) view.findViewById(R.id.horizon);
        final Switch gpu = (Switch) view.findViewById(R.id.gpu);
        String[] threadChoices = new String[Settings.mostThreads()];
        for (int index = 0; index < threadChoices.length; index++) {
            threadChoices[index] = String.valueOf(index + 1);
        }
        String[] horizonChoices = new String[Settings.HORIZONS.length];
        int horizonNow = 0;
        for (int index = 0; index < horizonChoices.length; index++) {
            int frames = Settings.HORIZONS[index];
            horizonChoices[index] = frames == 0 ? activity.getString(R.string.horizon_of_file)
                    : activity.getString(R.string.horizon_frames, frames);
            horizonNow = frames == now.horizonFrames ? index : horizonNow;
        }
        fill(activity, threads, threadChoices, now.threads - 1);
        fill(activity, horizon, horizonChoices, horizonNow);
        gpu.setChecked(now.gpu);
        new AlertDialog.Builder(activity)
                .setTitle(R.string.settings)
                .setView(view)
                .setNegativeButton(R.string.cancel, null)
                .setPositiveButton(R.string.apply, new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        watcher.change(new Settings(now.model,
                                threads.getSelectedItemPosition() + 1,
                                Settings.HORIZONS[horizon.getSelectedItemPosition()],
                                gpu.isChecked()));
                    }
                })
                .show();
    }

    private static void fill(Activity activity, Spinner spinner, String[] choices, int chosen) {
        ArrayAdapter<String> adapter = new ArrayAdapter<>(
                activity, android.R.layout.simple_spinner_item, choices);
        adapter.setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item);
        spinner.setAdapter(adapter);
        spinner.setSelection(chosen);
    }
}
