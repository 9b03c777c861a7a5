package org.movistream.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.DialogInterface;
import android.content.Intent;
import java.util.List;
import org.movistream.demo.logic.watching.EventExport;
import org.movistream.core.Event;
import org.movistream.core.EventTable;

/** Hands texts to other apps. */
final class EventShare {
    private static final String SOURCE = "camera";

    private EventShare() {}

    /** Asks for the format, and shares events. */
    static void show(final Activity activity, List<Event> newestFirst) {
        final List<Event> events = EventExport.oldestFirst(newestFirst);
        new AlertDialog.Builder(activity)
                .setTitle(R.string.share_events)
                .setItems(new String[] {"CSV", "JSON"}, new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        if (which == 0) {
                            send(activity, "text/csv", "events.csv",
                                    EventTable.csv(SOURCE, events));
                        } else {
                            send(activity, "application/json", "events.jsonl",
                                    EventExport.jsonLines(SOURCE, events));
                        }
                    }
                })
                .show();
    }

    static void send(Activity activity, String type, String name, String text) {
        Intent intent = new Intent(Intent.ACTION_SEND);
        intent.setType(type);
        intent.putExtra(Intent.EXTRA_TITLE, name);
        intent.putExtra(Intent.EXTRA_TEXT, text);
        activity.startActivity(
                Intent.createChooser(intent, activity.getString(R.string.share)));
    }
}
