package org.movistream.demo.logic.camera;

import static org.junit.Assert.assertEquals;

import org.junit.Test;

public final class PermissionStepsTest {
    @Test
    public void settingsAreTheWayOnlyAfterARefusalForGood() {
        assertEquals(PermissionSteps.GO, PermissionSteps.next(true, true, false));
        assertEquals("first", PermissionSteps.EXPLAIN, PermissionSteps.next(false, false, false));
        assertEquals("once", PermissionSteps.EXPLAIN, PermissionSteps.next(false, true, true));
        assertEquals("for good", PermissionSteps.OPEN_SETTINGS,
                PermissionSteps.next(false, true, false));
    }
}
