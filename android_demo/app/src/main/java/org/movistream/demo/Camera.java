package org.movistream.demo;

import android.content.Context;
import android.hardware.camera2.CameraManager;
import android.os.Handler;
import android.view.Surface;
import org.movistream.core.YuvFrame;
import org.movistream.demo.logic.camera.CameraSession;
import org.movistream.demo.logic.camera.CameraView;
import org.movistream.demo.logic.camera.Facing;
import org.movistream.demo.logic.watching.Watcher;

/**
 * The session on a thread of its own: opening and closing a camera takes up to a second. There is
 * one in the process, so that the screens before and after a turn do not fight for the camera.
 */
final class Camera {
    private final Camera2Driver driver;
    private final CameraSession session;
    private final Handler handler;

    // Of the main thread.
    private CameraSession.Listener listener;
    private CameraView view;

    Camera(Context context, HandlerLoop inference, final HandlerLoop main,
            Watcher<YuvFrame> watcher, Facing facing) {
        handler = HandlerLoop.thread("camera").handler();
        driver = new Camera2Driver(context, handler, inference.handler(), watcher);
        session = new CameraSession(driver, new CameraSession.Listener() {
            @Override
            public void onCamera(final CameraView told) {
                main.post(new Runnable() {
                    @Override
                    public void run() {
                        view = told;
                        if (listener != null) {
                            listener.onCamera(told);
                        }
                    }
                });
            }
        }, facing);
        driver.setSession(session);
        context.getSystemService(CameraManager.class).registerAvailabilityCallback(
                new CameraManager.AvailabilityCallback() {
                    @Override
                    public void onCameraAvailable(String id) {
                        session.available(id);
                    }
                }, handler);
    }

    /** @param listener of the main thread; null for none. */
    void setListener(CameraSession.Listener listener) {
        this.listener = listener;
        if (listener != null && view != null) {
            listener.onCamera(view);
        }
    }

    void setStarted(final boolean started) {
        handler.post(new Runnable() {
            @Override
            public void run() {
                if (started) {
                    session.start();
                } else {
                    session.stop();
                }
            }
        });
    }

    /** @param surface null when it is gone. */
    void setSurface(final Surface surface) {
        handler.post(new Runnable() {
            @Override
            public void run() {
                driver.setPreview(surface);
                if (surface != null) {
                    session.surfaceCreated();
                } else {
                    session.surfaceDestroyed();
                }
            }
        });
    }

    void setPermission(final boolean granted) {
        handler.post(new Runnable() {
            @Override
            public void run() {
                session.permission(granted);
            }
        });
    }

    void setTopResumed(final boolean isTop) {
        handler.post(new Runnable() {
            @Override
            public void run() {
                session.topResumed(isTop);
            }
        });
    }

    void setDisplayDegrees(final int degrees) {
        handler.post(new Runnable() {
            @Override
            public void run() {
                session.displayTurned(degrees);
            }
        });
    }

    void show(final Facing facing) {
        handler.post(new Runnable() {
            @Override
            public void run() {
                session.show(facing);
            }
        });
    }
}
