package org.movistream.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.ActivityNotFoundException;
import android.content.DialogInterface;
import android.content.Intent;
import android.widget.Toast;
import java.util.List;
import org.movistream.demo.logic.models.ModelEntry;

/** The list of models: to choose one, to bring another, to remove the chosen one. */
final class ModelDialog {
    private ModelDialog() {}

    static void show(final Activity activity, final DemoApplication application,
            final int pickRequest) {
        final List<ModelEntry> entries = application.shelf().entries();
        final ModelEntry now =
                application.shelf().entry(application.watcher().settings().model());
        String[] titles = new String[entries.size()];
        int chosen = 0;
        for (int index = 0; index < titles.length; index++) {
            ModelEntry entry = entries.get(index);
            titles[index] = entry.isBuiltIn()
                    ? activity.getString(R.string.built_in_model, entry.title()) : entry.title();
            chosen = entry.id().equals(now.id()) ? index : chosen;
        }
        AlertDialog.Builder builder = new AlertDialog.Builder(activity)
                .setTitle(R.string.model)
                .setSingleChoiceItems(titles, chosen, new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        application.change(application.watcher().settings()
                                .withModel(entries.get(which).id()));
                        dialog.dismiss();
                    }
                })
                .setNegativeButton(R.string.cancel, null)
                .setPositiveButton(R.string.pick_model, new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        pick(activity, pickRequest);
                    }
                });
        if (!now.isBuiltIn()) {
            builder.setNeutralButton(R.string.remove, new DialogInterface.OnClickListener() {
                @Override
                public void onClick(DialogInterface dialog, int which) {
                    application.shelf().remove(now.id());
                    application.change(application.watcher().settings()
                            .withModel(application.shelf().entries().get(0).id()));
                }
            });
        }
        builder.show();
    }

    private static void pick(Activity activity, int request) {
        Intent intent = new Intent(Intent.ACTION_OPEN_DOCUMENT);
        intent.addCategory(Intent.CATEGORY_OPENABLE);
        intent.setType("*/*"); // .tflite has no registered type.
        try {
            activity.startActivityForResult(intent, request);
        } catch (ActivityNotFoundException error) {
            Toast.makeText(activity, R.string.file_unreadable, Toast.LENGTH_LONG).show();
        }
    }
}
