package org.movistream.demo;

import android.Manifest;
import android.app.Activity;
import android.app.AlertDialog;
import android.content.DialogInterface;
import android.content.Intent;
import android.content.pm.PackageManager;
import android.net.Uri;
import android.provider.Settings;
import org.movistream.demo.logic.camera.PermissionSteps;

/** Asks for the camera, with a reason beforehand, or leads to the system's settings. */
final class CameraPermission {
    private static final String CAMERA = Manifest.permission.CAMERA;
    private static final String WAS_REFUSED = "camera_was_refused";

    private final Activity activity;
    private final KeptPreferences preferences;
    private final int request;

    CameraPermission(Activity activity, KeptPreferences preferences, int request) {
        this.activity = activity;
        this.preferences = preferences;
        this.request = request;
    }

    boolean isGranted() {
        return activity.checkSelfPermission(CAMERA) == PackageManager.PERMISSION_GRANTED;
    }

    void ask() {
        boolean reasonIsDue = activity.shouldShowRequestPermissionRationale(CAMERA);
        if (reasonIsDue) {
            preferences.put(WAS_REFUSED, "true");
        }
        switch (PermissionSteps.next(
                isGranted(), preferences.get(WAS_REFUSED) != null, reasonIsDue)) {
            case EXPLAIN:
                tell(R.string.camera_reason, R.string.go_on, new Runnable() {
                    @Override
                    public void run() {
                        activity.requestPermissions(new String[] {CAMERA}, request);
                    }
                });
                break;
            case OPEN_SETTINGS:
                tell(R.string.camera_refused, R.string.open_settings, new Runnable() {
                    @Override
                    public void run() {
                        activity.startActivity(new Intent(
                                Settings.ACTION_APPLICATION_DETAILS_SETTINGS,
                                Uri.fromParts("package", activity.getPackageName(), null)));
                    }
                });
                break;
            default:
        }
    }

    private void tell(int words, int button, final Runnable action) {
        new AlertDialog.Builder(activity)
                .setMessage(words)
                .setNegativeButton(R.string.cancel, null)
                .setPositiveButton(button, new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        action.run();
                    }
                })
                .show();
    }
}
