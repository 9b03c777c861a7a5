package org.movistream.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Streams forget where they do in Python. */
public final class ResetCasesTest {
    @Test
    public void gapsAndIntervals() throws Exception {
        List<Object> cases = SharedCases.list(SharedCases.read("reset_cases/policy.json"));
        for (Object each : cases) {
            Map<String, Object> one = SharedCases.object(each);
            Resets resets = new Resets(false, SharedCases.number(one.get("gap_s")),
                    SharedCases.number(one.get("every_s")));
            for (int pass = 0; pass < 2; pass++) {
                List<Object> reasons = new ArrayList<>();
                for (Object timeS : SharedCases.list(one.get("times_s"))) {
                    ResetReason reason = resets.reason(null, SharedCases.number(timeS));
                    reasons.add(reason == null ? null : reason.toString());
                }
                assertEquals(one.toString(), one.get("reasons"), reasons);
                resets.begin();
            }
        }
        assertTrue(cases.size() > 20);
    }

    @Test
    public void cutsToOtherScenes() throws Exception {
        List<Object> cases = SharedCases.list(SharedCases.read("reset_cases/cuts.json"));
        for (Object each : cases) {
            Map<String, Object> one = SharedCases.object(each);
            // An interleaved layout too, as most cameras have it.
            for (int stride = 1; stride <= 2; stride++) {
                Resets resets = new Resets(true, 0, 0);
                List<Object> cuts = new ArrayList<>();
                long number = 0;
                for (Object scene : SharedCases.list(one.get("frames"))) {
                    if (resets.reason(frame(one, SharedCases.list(scene), stride), number)
                            == ResetReason.SCENE_CUT) {
                        cuts.add(number);
                    }
                    number++;
                }
                assertEquals(one.get("about") + " " + one.get("width") + " turned by "
                        + one.get("rotation"), one.get("cuts"), cuts);
            }
        }
        assertTrue(cases.size() > 30);
    }

    @Test
    public void timesOutOfRangeAreRefused() {
        for (double wrong : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
            for (int which = 0; which < 2; which++) {
                try {
                    new Resets(false, which == 0 ? wrong : 0, which == 1 ? wrong : 0);
                    fail();
                } catch (IllegalArgumentException error) {
                    assertTrue(error.getMessage().contains("resets a stream"));
                }
            }
        }
    }

    private static YuvFrame frame(Map<String, Object> one, List<Object> scene, int stride) {
        int width = number(one.get("width"));
        int height = number(one.get("height"));
        int chromaWidth = (width + 1) / 2;
        int chromaHeight = (height + 1) / 2;
        byte[] y = new byte[width * height];
        byte[] u = new byte[chromaWidth * stride * chromaHeight];
        byte[] v = new byte[u.length];
        Arrays.fill(u, (byte) 99);
        for (Object each : scene) {
            List<Object> r = SharedCases.list(each);
            int left = number(r.get(0));
            int top = number(r.get(1));
            int right = left + number(r.get(2));
            int bottom = top + number(r.get(3));
            fill(y, width, 1, left, top, Math.min(right, width), Math.min(bottom, height), r, 4);
            right = Math.min(right / 2, chromaWidth);
            bottom = Math.min(bottom / 2, chromaHeight);
            fill(u, chromaWidth, stride, left / 2, top / 2, right, bottom, r, 5);
            fill(v, chromaWidth, stride, left / 2, top / 2, right, bottom, r, 6);
        }
        YuvFrame frame = new YuvFrame();
        frame.set(width, height, number(one.get("rotation")), ByteBuffer.wrap(y), width,
                ByteBuffer.wrap(u), ByteBuffer.wrap(v), chromaWidth * stride, stride);
        return frame;
    }

    private static void fill(byte[] plane, int width, int stride, int left, int top, int right,
            int bottom, List<Object> rectangle, int channel) {
        for (int row = top; row < bottom; row++) {
            for (int column = left; column < right; column++) {
                plane[(row * width + column) * stride] = (byte) number(rectangle.get(channel));
            }
        }
    }

    private static int number(Object value) {
        return ((Long) value).intValue();
    }
}
