package org.movistream.demo.logic.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

/** What can become of a camera, one thing at a time. */
public final class CameraSessionTest {
    private final FakeCameras cameras = new FakeCameras();
    private CameraView view;
    private final CameraSession session = new CameraSession(cameras,
            new CameraSession.Listener() {
                @Override
                public void onCamera(CameraView told) {
                    view = told;
                }
            }, Facing.BACK);

    private void want() {
        session.permission(true);
        session.surfaceCreated();
        session.start();
    }

    private int show() {
        want();
        int number = cameras.openNow(session);
        session.configured(number);
        assertEquals(CameraStatus.SHOWING, view.status());
        return number;
    }

    @Test
    public void nothingIsOpenedBeforeAllIsThere() {
        session.start();
        assertEquals(CameraStatus.NOT_ALLOWED, view.status());
        session.permission(true);
        assertEquals(CameraStatus.OFF, view.status());
        assertTrue(cameras.asked.isEmpty());
        session.surfaceCreated();
        assertEquals(CameraStatus.OPENING, view.status());
        assertEquals(1, cameras.asked.size());
    }

    @Test
    public void whatAnswersAfterItIsUnwantedIsClosedAtOnce() {
        want();
        session.stop();
        int number = cameras.openNow(session);
        assertFalse(cameras.open.contains(number));
        assertEquals(CameraStatus.OFF, view.status());
    }

    @Test
    public void theSameOpeningServesWhoComesBackBeforeItsAnswer() {
        want();
        session.surfaceDestroyed();
        session.surfaceCreated();
        session.configured(cameras.openNow(session));
        assertEquals(CameraStatus.SHOWING, view.status());
        assertEquals(1, cameras.openedIds.size());
    }

    @Test
    public void aLateRefusalOfAnEarlierOpeningIsIgnored() {
        int first = show();
        session.surfaceDestroyed();
        session.surfaceCreated();
        int second = cameras.openNow(session);
        session.configureFailed(first);
        session.failed(first, CameraTrouble.BROKEN);
        session.disconnected(first);
        session.configured(second);
        assertEquals(CameraStatus.SHOWING, view.status());
        assertTrue(cameras.open.contains(second));
    }

    @Test
    public void aCameraThatWasTakenComesBackWhenItIsFree() {
        cameras.lose(session, show(), CameraTrouble.TAKEN);
        assertEquals(CameraStatus.TAKEN, view.status());
        assertTrue(cameras.asked.isEmpty());
        session.available("front");
        assertTrue("another camera is of no use", cameras.asked.isEmpty());
        session.available("back");
        session.configured(cameras.openNow(session));
        assertEquals(CameraStatus.SHOWING, view.status());
    }

    @Test
    public void aCameraThatWasTakenIsNotFoughtForByTheClock() {
        cameras.lose(session, show(), CameraTrouble.TAKEN);
        for (int number : cameras.wakes) {
            session.timePassed(number);
        }
        assertTrue(cameras.asked.isEmpty());
    }

    @Test
    public void comingToTheFrontTakesTheCameraBack() {
        cameras.lose(session, show(), CameraTrouble.TAKEN);
        session.topResumed(false);
        assertTrue(cameras.asked.isEmpty());
        session.topResumed(true);
        session.configured(cameras.openNow(session));
        assertEquals(CameraStatus.SHOWING, view.status());
    }

    @Test
    public void whereTooManyAreOpenAnyThatIsFreedHelps() {
        want();
        cameras.lose(session, cameras.asked.get(0), CameraTrouble.TOO_MANY);
        session.available("front");
        assertEquals(1, cameras.asked.size());
    }

    @Test
    public void aBrokenCameraIsTriedAgainLessAndLessOften() {
        want();
        for (int round = 0; round < 9; round++) {
            cameras.lose(session, cameras.asked.get(0), CameraTrouble.BROKEN);
            assertEquals(CameraStatus.BROKEN, view.status());
            session.timePassed(cameras.wakes.get(round));
        }
        assertEquals(500, (long) cameras.delays.get(0));
        assertEquals(1000, (long) cameras.delays.get(1));
        assertEquals(30_000, (long) cameras.delays.get(8));
    }

    @Test
    public void itsOwnClosingDoesNotMakeItTryForEver() {
        // The system says that a camera is free whenever this app has closed it.
        want();
        int tries = 0;
        while (!cameras.asked.isEmpty() && tries < 100) {
            tries++;
            session.configureFailed(cameras.openNow(session));
            session.available("back");
        }
        assertEquals(1 + CameraSession.MOST_TRIES_AT_ONCE, tries);
        session.timePassed(cameras.wakes.get(cameras.wakes.size() - 1));
        assertEquals("the clock goes on", 1, cameras.asked.size());
    }

    @Test
    public void aPictureThatLastedMakesUpForFailures() {
        want();
        for (int round = 0; round < 6; round++) {
            cameras.lose(session, cameras.asked.get(0), CameraTrouble.BROKEN);
            session.timePassed(cameras.wakes.get(cameras.wakes.size() - 1));
        }
        int number = cameras.openNow(session);
        session.configured(number);
        session.timePassed(number);
        cameras.lose(session, number, CameraTrouble.BROKEN);
        assertEquals(500, (long) cameras.delays.get(cameras.delays.size() - 1));
    }

    @Test
    public void aTurnByHalfARoundChangesTheRotation() {
        int number = show();
        assertEquals(90, (int) cameras.rotations.get(number));
        session.displayTurned(180);
        assertEquals(270, (int) cameras.rotations.get(number));
        session.stop();
        session.displayTurned(0);
        assertEquals("closed ones are left alone", 270, (int) cameras.rotations.get(number));
        session.start();
        assertEquals(90, (int) cameras.rotations.lastEntry().getValue());
    }

    @Test
    public void sidesAreSwitchedOneAfterTheOther() {
        show();
        assertTrue(view.canSwitch());
        session.show(Facing.FRONT);
        session.configured(cameras.openNow(session));
        assertEquals(Facing.FRONT, view.camera().facing());
        session.show(Facing.BACK);
        session.show(Facing.FRONT);
        cameras.openNow(session);
        assertEquals("front", cameras.openedIds.get(cameras.openedIds.size() - 1));
    }

    @Test
    public void aSideThatIsMissingIsReplaced() {
        cameras.there.remove("back");
        show();
        assertEquals("front", view.camera().id());
        assertFalse(view.canSwitch());
    }

    @Test
    public void noCameraIsSaidAndWaitedFor() {
        cameras.there.clear();
        want();
        assertEquals(CameraStatus.MISSING, view.status());
        cameras.add("usb", Facing.OTHER, 0);
        session.available("usb");
        session.configured(cameras.openNow(session));
        assertEquals(CameraStatus.SHOWING, view.status());
    }

    @Test
    public void aListThatCannotBeHadIsTroubleLikeAnyOther() {
        cameras.listingFails = CameraTrouble.FORBIDDEN;
        want();
        assertEquals(CameraStatus.FORBIDDEN, view.status());
        cameras.listingFails = null;
        session.timePassed(cameras.wakes.get(0));
        assertEquals(1, cameras.asked.size());
    }

    @Test
    public void aSecondAnswerClosesNothing() {
        int number = show();
        session.opened(number);
        assertEquals(CameraStatus.SHOWING, view.status());
        assertTrue(cameras.open.contains(number));
    }

    @Test
    public void aDeviceThatOpensAfterItFailedIsClosed() {
        want();
        int number = cameras.asked.get(0);
        session.stop();
        cameras.lose(session, number, CameraTrouble.BROKEN);
        cameras.open.add(number);
        session.opened(number);
        assertTrue(cameras.open.isEmpty());
    }
}
