package org.movistream.demo.logic.camera;

import static org.junit.Assert.assertEquals;

import java.util.Arrays;
import java.util.Collections;
import org.junit.Test;

/** Rotation of frames, shape of the preview, size of frames. */
public final class ShapesTest {
    private static final FrameSize WIDE = FrameSize.USUAL;

    private static int rotation(Facing facing, int sensor, int display) {
        return Rotation.upright(new CameraInfo("0", facing, sensor, WIDE), display);
    }

    @Test
    public void framesAreTurnedByTheSensorLessTheScreen() {
        assertEquals(90, rotation(Facing.BACK, 90, 0));
        assertEquals(0, rotation(Facing.BACK, 90, 90));
        assertEquals(270, rotation(Facing.BACK, 90, 180));
        assertEquals(180, rotation(Facing.BACK, 90, 270));
    }

    @Test
    public void aCameraThatFacesThePersonTurnsTheOtherWay() {
        assertEquals(270, rotation(Facing.FRONT, 270, 0));
        assertEquals(0, rotation(Facing.FRONT, 270, 90));
        assertEquals(90, rotation(Facing.FRONT, 270, 180));
        assertEquals(180, rotation(Facing.FRONT, 270, 270));
    }

    @Test
    public void aTurnByHalfARoundTurnsFramesByHalfARound() {
        for (Facing facing : Facing.values()) {
            for (int sensor = 0; sensor < 360; sensor += 90) {
                for (int display = 0; display < 360; display += 90) {
                    int difference = rotation(facing, sensor, display)
                            - rotation(facing, sensor, (display + 180) % 360);
                    assertEquals(180, Math.abs(difference));
                }
            }
        }
    }

    @Test
    public void theShapeIsThatOfThePictureInAnyWindow() {
        // A phone held upright: its sensor lies on its side.
        assertEquals(new FrameSize(750, 1000), PreviewShape.fitted(WIDE, 90, 0, 1000, 1000));
        // The lower half of a split screen is wider than high; the picture stays upright.
        assertEquals(new FrameSize(300, 400), PreviewShape.fitted(WIDE, 90, 0, 1080, 400));
        // On its side.
        assertEquals(new FrameSize(1000, 750), PreviewShape.fitted(WIDE, 90, 90, 1000, 1000));
        // A tablet, or an opened foldable, whose natural position is wide.
        assertEquals(new FrameSize(1000, 750), PreviewShape.fitted(WIDE, 0, 0, 1000, 1000));
        assertEquals(new FrameSize(750, 1000), PreviewShape.fitted(WIDE, 0, 270, 1000, 1000));
    }

    @Test
    public void aViewWithoutRoomStillHasAShape() {
        assertEquals(new FrameSize(1, 1), PreviewShape.fitted(WIDE, 90, 0, 0, 0));
        assertEquals(new FrameSize(1, 1), PreviewShape.fitted(WIDE, 90, 0, -5, 3));
    }

    @Test
    public void aCameraIsAskedForWhatItHas() {
        FrameSize small = new FrameSize(320, 240);
        FrameSize high = new FrameSize(1280, 720);
        FrameSize higher = new FrameSize(1920, 1080);
        assertEquals(WIDE, FrameSize.choose(Arrays.asList(higher, small, WIDE, high)));
        assertEquals(high, FrameSize.choose(Arrays.asList(small, higher, high)));
        assertEquals(small, FrameSize.choose(Collections.singletonList(small)));
        assertEquals(WIDE, FrameSize.choose(Collections.<FrameSize>emptyList()));
    }
}
