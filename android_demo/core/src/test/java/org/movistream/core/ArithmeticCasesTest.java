package org.movistream.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.junit.Test;

/** Float16's rules and the comparison of answers are those of Python. */
public final class ArithmeticCasesTest {
    @Test
    public void whichModelsMayBeComputedInFloat16() throws Exception {
        List<Object> cases = SharedCases.list(SharedCases.read("arithmetic_cases/float16.json"));
        for (Object each : cases) {
            Map<String, Object> one = SharedCases.object(each);
            String json = JsonWriter.write(one.get("manifest"));
            Manifest manifest = Manifest.parse(json.getBytes(StandardCharsets.UTF_8));
            assertEquals(json, one.get("obstacle"), Float16.obstacle(manifest));
        }
        assertTrue(cases.size() > 20);
    }

    @Test
    public void howFarFloat16Counts() throws Exception {
        Manifest endless = Manifests.ofClasses(4);
        Manifest short_ = Manifests.of(4, "float32", "[0,1]", ",'horizon_frames':4");
        Manifest long_ = Manifests.of(4, "float32", "[0,1]", ",'horizon_frames':4000");
        assertEquals(2048, Float16.horizonFrames(endless, 0));
        assertEquals(2048, Float16.horizonFrames(endless, 100_000));
        assertEquals(2047, Float16.horizonFrames(endless, 2047));
        assertEquals(4, Float16.horizonFrames(short_, 0));
        assertEquals(64, Float16.horizonFrames(short_, 64));
        assertEquals(2048, Float16.horizonFrames(long_, 0));
        Manifest timeless = Manifest.parse(("{\"name\":\"m\",\"states\":[],"
                + "\"input\":{\"tensor\":\"i\",\"shape\":[1,8,8,3],\"dtype\":\"float32\"},"
                + "\"logits\":{\"tensor\":\"l\",\"classes\":4,\"dtype\":\"float32\"}}")
                .getBytes(StandardCharsets.UTF_8));
        assertEquals("there is no clock to hold", 0, Float16.horizonFrames(timeless, 0));
        assertEquals("which its stream refuses", 16, Float16.horizonFrames(timeless, 16));
    }

    @Test
    public void cosinesOfAnswers() throws Exception {
        for (Object each : SharedCases.list(SharedCases.read("arithmetic_cases/cosines.json"))) {
            Map<String, Object> one = SharedCases.object(each);
            assertEquals(one.toString(), SharedCases.number(one.get("cosine")),
                    Agreement.cosine(SharedCases.floats(one.get("one")),
                            SharedCases.floats(one.get("other"))), 1e-7);
        }
    }

    @Test
    public void theFramesThatModelsAreComparedOn() throws Exception {
        for (Object each : SharedCases.list(SharedCases.read("arithmetic_cases/frames.json"))) {
            Map<String, Object> one = SharedCases.object(each);
            List<Object> crcs = SharedCases.list(one.get("crcs"));
            for (int index = 0; index < crcs.size(); index++) {
                CRC32 crc = new CRC32();
                for (int value : Agreement.frame(index, SharedCases.whole(one, "height"),
                        SharedCases.whole(one, "width"), SharedCases.whole(one, "channels"))) {
                    assertTrue(value >= 0 && value <= 255);
                    crc.update(value);
                }
                assertEquals(one.toString(), crcs.get(index), crc.getValue());
            }
        }
    }

    @Test
    public void anEngineAgreesWithItselfAndLeavesNothing() throws Exception {
        FakeEngine one = new FakeEngine();
        FakeEngine other = new FakeEngine();
        Manifest manifest = Manifests.ofClasses(4);
        assertEquals(1, Agreement.lowestCosine(manifest, one, other), 1e-12);
        other = new FakeEngine();
        other.script = new float[Agreement.FRAMES][4];
        assertEquals(0, Agreement.lowestCosine(manifest, new FakeEngine(), other), 0);
        assertEquals(0, one.made.size() + other.made.size());
        other.mostBuffers = 3;
        try {
            Agreement.lowestCosine(manifest, one, other);
            fail();
        } catch (EngineException error) {
            assertEquals("those of the first are closed too", 0, one.made.size());
        }
    }
}
