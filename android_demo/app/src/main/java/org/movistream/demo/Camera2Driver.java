package org.movistream.demo;

import android.content.Context;
import android.graphics.ImageFormat;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.CaptureRequest;
import android.media.ImageReader;
import android.os.Handler;
import android.util.SparseArray;
import android.view.Surface;
import java.util.Arrays;
import java.util.List;
import org.movistream.core.YuvFrame;
import org.movistream.demo.logic.camera.CameraDriver;
import org.movistream.demo.logic.camera.CameraException;
import org.movistream.demo.logic.camera.CameraInfo;
import org.movistream.demo.logic.camera.CameraSession;
import org.movistream.demo.logic.camera.CameraTrouble;
import org.movistream.demo.logic.watching.Watcher;

/** Camera2, as the session uses it; all on the camera's thread. */
final class Camera2Driver implements CameraDriver {
    /** One that is looked at, and one that is being filled. */
    private static final int IMAGES = 2;

    private static final class Opening {
        CameraDevice device;
        ImageReader reader;
        FrameTap tap;
    }

    private final CameraManager manager;
    private final Handler handler;
    private final Handler inference;
    private final Watcher<YuvFrame> watcher;
    private final SparseArray<Opening> openings = new SparseArray<>();
    private CameraSession session;
    private Surface preview;

    Camera2Driver(Context context, Handler handler, Handler inference,
            Watcher<YuvFrame> watcher) {
        manager = context.getSystemService(CameraManager.class);
        this.handler = handler;
        this.inference = inference;
        this.watcher = watcher;
    }

    /** Answers go there; before anything else. */
    void setSession(CameraSession session) {
        this.session = session;
    }

    /** Of the openings that begin from now on. */
    void setPreview(Surface surface) {
        preview = surface;
    }

    @Override
    public List<CameraInfo> cameras() throws CameraException {
        return CameraCatalogue.list(manager);
    }

    @Override
    public void open(final int number, CameraInfo camera, int rotationDegrees) {
        final Opening opening = new Opening();
        openings.put(number, opening);
        try {
            opening.tap = new FrameTap(watcher, rotationDegrees);
            opening.reader = ImageReader.newInstance(camera.size().width(),
                    camera.size().height(), ImageFormat.YUV_420_888, IMAGES);
            opening.reader.setOnImageAvailableListener(opening.tap, inference);
            manager.openCamera(camera.id(), new CameraDevice.StateCallback() {
                @Override
                public void onOpened(CameraDevice device) {
                    opening.device = device;
                    session.opened(number);
                }

                @Override
                public void onDisconnected(CameraDevice device) {
                    opening.device = device;
                    close(number);
                    session.disconnected(number);
                }

                @Override
                public void onError(CameraDevice device, int error) {
                    opening.device = device;
                    close(number);
                    session.failed(number, CameraCatalogue.trouble(error));
                }
            }, handler);
        } catch (CameraAccessException error) {
            failLater(number, CameraCatalogue.trouble(error));
        } catch (SecurityException error) {
            failLater(number, CameraTrouble.FORBIDDEN);
        } catch (RuntimeException error) {
            failLater(number, CameraTrouble.BROKEN);
        }
    }

    private void failLater(final int number, final CameraTrouble trouble) {
        handler.post(new Runnable() {
            @Override
            public void run() {
                close(number);
                session.failed(number, trouble);
            }
        });
    }

    @Override
    public void begin(final int number) {
        Opening opening = openings.get(number);
        try {
            final CaptureRequest.Builder request =
                    opening.device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW);
            request.addTarget(preview);
            request.addTarget(opening.reader.getSurface());
            opening.device.createCaptureSession(
                    Arrays.asList(preview, opening.reader.getSurface()),
                    new CameraCaptureSession.StateCallback() {
                        @Override
                        public void onConfigured(CameraCaptureSession configured) {
                            try {
                                configured.setRepeatingRequest(request.build(), null, handler);
                                session.configured(number);
                            } catch (CameraAccessException | RuntimeException error) {
                                session.configureFailed(number);
                            }
                        }

                        @Override
                        public void onConfigureFailed(CameraCaptureSession configured) {
                            session.configureFailed(number);
                        }
                    }, handler);
        } catch (CameraAccessException | RuntimeException error) {
            handler.post(new Runnable() {
                @Override
                public void run() {
                    session.configureFailed(number);
                }
            });
        }
    }

    @Override
    public void rotate(int number, int rotationDegrees) {
        openings.get(number).tap.rotate(rotationDegrees);
    }

    @Override
    public void close(int number) {
        Opening opening = openings.get(number);
        openings.remove(number);
        if (opening == null) {
            return;
        }
        if (opening.device != null) {
            opening.device.close();
        }
        final ImageReader reader = opening.reader;
        if (reader != null) {
            // Its images may be in use on the inference thread until then.
            inference.post(new Runnable() {
                @Override
                public void run() {
                    reader.close();
                }
            });
        }
    }

    @Override
    public void wakeAfter(final int number, long delayMs) {
        handler.postDelayed(new Runnable() {
            @Override
            public void run() {
                session.timePassed(number);
            }
        }, delayMs);
    }
}
