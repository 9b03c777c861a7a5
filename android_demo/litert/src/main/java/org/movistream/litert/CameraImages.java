package org.movistream.litert;

import android.media.Image;
import org.movistream.core.YuvFrame;

/** Android's images as frames of a stream. */
public final class CameraImages {
    private CameraImages() {}

    /**
     * Lets a frame show an image, of which nothing is copied: the image must stay open until the
     * frame has been looked at.
     *
     * @param image in the format YUV_420_888, as cameras and video decoders give it.
     * @param rotationDegrees clockwise, 0, 90, 180 or 270: what brings it upright.
     * @throws IllegalArgumentException if it is of another format, or its planes are too short.
     */
    public static void show(Image image, int rotationDegrees, YuvFrame frame) {
        Image.Plane[] planes = image.getPlanes();
        if (planes.length != 3) {
            throw new IllegalArgumentException("an image of three planes, YUV_420_888, is needed,"
                    + " not one of " + planes.length);
        }
        frame.set(image.getWidth(), image.getHeight(), rotationDegrees,
                planes[0].getBuffer(), planes[0].getRowStride(),
                planes[1].getBuffer(), planes[2].getBuffer(),
                planes[1].getRowStride(), planes[1].getPixelStride());
    }
}
