package org.movistream.demo;

import android.graphics.ImageFormat;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.params.StreamConfigurationMap;
import android.util.Size;
import java.util.ArrayList;
import java.util.List;
import org.movistream.demo.logic.camera.CameraException;
import org.movistream.demo.logic.camera.CameraInfo;
import org.movistream.demo.logic.camera.CameraTrouble;
import org.movistream.demo.logic.camera.Facing;
import org.movistream.demo.logic.camera.FrameSize;

/** What Camera2 says of its cameras and their troubles, in the session's words. */
final class CameraCatalogue {
    private CameraCatalogue() {}

    static List<CameraInfo> list(CameraManager manager) throws CameraException {
        try {
            List<CameraInfo> found = new ArrayList<>();
            for (String id : manager.getCameraIdList()) {
                found.add(describe(id, manager.getCameraCharacteristics(id)));
            }
            return found;
        } catch (CameraAccessException error) {
            throw new CameraException(trouble(error), error);
        } catch (RuntimeException error) {
            // Such as of a camera that was unplugged between the two calls.
            throw new CameraException(CameraTrouble.BROKEN, error);
        }
    }

    private static CameraInfo describe(String id, CameraCharacteristics camera) {
        Integer side = camera.get(CameraCharacteristics.LENS_FACING);
        Facing facing = Facing.OTHER;
        if (side != null && side == CameraCharacteristics.LENS_FACING_BACK) {
            facing = Facing.BACK;
        } else if (side != null && side == CameraCharacteristics.LENS_FACING_FRONT) {
            facing = Facing.FRONT;
        }
        Integer degrees = camera.get(CameraCharacteristics.SENSOR_ORIENTATION);
        List<FrameSize> sizes = new ArrayList<>();
        StreamConfigurationMap offered =
                camera.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP);
        Size[] listed = offered == null ? null : offered.getOutputSizes(ImageFormat.YUV_420_888);
        if (listed != null) {
            for (Size size : listed) {
                sizes.add(new FrameSize(size.getWidth(), size.getHeight()));
            }
        }
        return new CameraInfo(id, facing, degrees == null ? 0 : degrees,
                FrameSize.choose(sizes));
    }

    static CameraTrouble trouble(CameraAccessException error) {
        switch (error.getReason()) {
            case CameraAccessException.CAMERA_IN_USE:
                return CameraTrouble.TAKEN;
            case CameraAccessException.MAX_CAMERAS_IN_USE:
                return CameraTrouble.TOO_MANY;
            case CameraAccessException.CAMERA_DISABLED:
                return CameraTrouble.FORBIDDEN;
            default:
                return CameraTrouble.BROKEN;
        }
    }

    /** @param error of a device's call-back. */
    static CameraTrouble trouble(int error) {
        switch (error) {
            case CameraDevice.StateCallback.ERROR_CAMERA_IN_USE:
                return CameraTrouble.TAKEN;
            case CameraDevice.StateCallback.ERROR_MAX_CAMERAS_IN_USE:
                return CameraTrouble.TOO_MANY;
            case CameraDevice.StateCallback.ERROR_CAMERA_DISABLED:
                return CameraTrouble.FORBIDDEN;
            default:
                return CameraTrouble.BROKEN;
        }
    }
}
