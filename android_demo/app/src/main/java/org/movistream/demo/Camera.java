package org.movistream.demo;

import android.content.Context;
import android.graphics.ImageFormat;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.CaptureRequest;
import android.media.ImageReader;
import android.os.Handler;
import android.os.Looper;
import android.view.Surface;
import java.util.Arrays;

/** The device's camera, shown on a surface and delivered to the watcher; of the main thread. */
final class Camera {
    /** Every camera has this size. */
    static final int WIDTH = 640;
    static final int HEIGHT = 480;
    /** One that is looked at, and one that is being filled. */
    private static final int IMAGES = 2;

    private final Context context;
    private final Watcher watcher;
    private final Handler main = new Handler(Looper.getMainLooper());
    private CameraDevice device;
    private ImageReader reader;
    /** Counts openings, so that a camera that opens after it was closed is closed again. */
    private int opening;

    Camera(Context context, Watcher watcher) {
        this.context = context;
        this.watcher = watcher;
    }

    /**
     * Opens the camera on the back, or any; the permission must have been granted.
     *
     * @param displayDegrees how far the screen is turned from its natural position.
     */
    void open(final Surface preview, int displayDegrees) {
        close();
        CameraManager manager = context.getSystemService(CameraManager.class);
        final int wanted = ++opening;
        try {
            String id = choose(manager);
            if (id == null) {
                watcher.show(context.getString(R.string.camera_missing));
                return;
            }
            watcher.setRotationDegrees(
                    rotation(manager.getCameraCharacteristics(id), displayDegrees));
            reader = ImageReader.newInstance(WIDTH, HEIGHT, ImageFormat.YUV_420_888, IMAGES);
            reader.setOnImageAvailableListener(watcher, watcher.inferenceHandler());
            manager.openCamera(id, new CameraDevice.StateCallback() {
                @Override
                public void onOpened(CameraDevice opened) {
                    if (wanted != opening) {
                        opened.close();
                        return;
                    }
                    device = opened;
                    begin(preview);
                }

                @Override
                public void onDisconnected(CameraDevice lost) {
                    onError(lost, 0);
                }

                @Override
                public void onError(CameraDevice failed, int error) {
                    failed.close();
                    if (wanted == opening) {
                        device = null;
                        fail();
                    }
                }
            }, main);
        } catch (CameraAccessException | SecurityException | IllegalArgumentException error) {
            fail();
        }
    }

    /** Frees the camera for others. */
    void close() {
        opening++;
        if (device != null) {
            device.close();
            device = null;
        }
        if (reader != null) {
            final ImageReader old = reader;
            reader = null;
            // Its images may be in use on the inference thread until then.
            watcher.inferenceHandler().post(new Runnable() {
                @Override
                public void run() {
                    old.close();
                }
            });
        }
    }

    private void begin(Surface preview) {
        try {
            final CaptureRequest.Builder request =
                    device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW);
            request.addTarget(preview);
            request.addTarget(reader.getSurface());
            final int wanted = opening;
            device.createCaptureSession(Arrays.asList(preview, reader.getSurface()),
                    new CameraCaptureSession.StateCallback() {
                        @Override
                        public void onConfigured(CameraCaptureSession session) {
                            if (wanted != opening) {
                                return;
                            }
                            try {
                                session.setRepeatingRequest(request.build(), null, main);
                            } catch (CameraAccessException | IllegalStateException error) {
                                fail();
                            }
                        }

                        @Override
                        public void onConfigureFailed(CameraCaptureSession session) {
                            fail();
                        }
                    }, main);
        } catch (CameraAccessException | IllegalStateException
                | IllegalArgumentException error) {
            fail();
        }
    }

    private void fail() {
        watcher.show(context.getString(R.string.camera_failed));
    }

    private static String choose(CameraManager manager) throws CameraAccessException {
        String chosen = null;
        for (String id : manager.getCameraIdList()) {
            boolean back = isFacing(manager.getCameraCharacteristics(id),
                    CameraCharacteristics.LENS_FACING_BACK);
            if (chosen == null || back) {
                chosen = id;
            }
            if (back) {
                break;
            }
        }
        return chosen;
    }

    private static int rotation(CameraCharacteristics camera, int displayDegrees) {
        Integer sensor = camera.get(CameraCharacteristics.SENSOR_ORIENTATION);
        int degrees = sensor == null ? 0 : sensor;
        boolean front = isFacing(camera, CameraCharacteristics.LENS_FACING_FRONT);
        return (degrees + (front ? displayDegrees : 360 - displayDegrees)) % 360;
    }

    private static boolean isFacing(CameraCharacteristics camera, int direction) {
        Integer facing = camera.get(CameraCharacteristics.LENS_FACING);
        return facing != null && facing == direction;
    }
}
