package org.movistream.demo.logic.engines;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.fail;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.Test;
import org.movistream.core.Engine;
import org.movistream.core.EngineException;
import org.movistream.core.Manifest;
import org.movistream.core.TensorBuffer;

public final class EngineChoiceTest {
    private static final long FILE_BYTES = 1000;

    private final List<Engine> open = new ArrayList<>();
    private boolean isLow;
    private long availableBytes = Long.MAX_VALUE;
    private boolean hasGpu = true;
    private double cosine = 1;
    private Throwable gpuFails;
    private Throwable trialFails;

    private final class Fake implements Engine {
        private final String name;

        Fake(String name) {
            this.name = name;
            open.add(this);
        }

        @Override
        public List<String> inputNames() {
            return Collections.emptyList();
        }

        @Override
        public List<String> outputNames() {
            return Collections.emptyList();
        }

        @Override
        public TensorBuffer createInput(String input) {
            return null;
        }

        @Override
        public TensorBuffer createOutput(String output) {
            return null;
        }

        @Override
        public void run(TensorBuffer[] inputs, TensorBuffer[] outputs) {}

        @Override
        public String description() {
            return name;
        }

        @Override
        public void close() {
            if (!open.remove(this)) {
                throw new AssertionError(name + " is closed twice");
            }
        }
    }

    private static void raise(Throwable error) throws EngineException {
        if (error instanceof EngineException) {
            throw (EngineException) error;
        } else if (error instanceof RuntimeException) {
            throw (RuntimeException) error;
        } else if (error instanceof Error) {
            throw (Error) error;
        }
    }

    private final EngineSource source = new EngineSource() {
        @Override
        public boolean hasGpu() {
            return hasGpu;
        }

        @Override
        public Engine openCpu(int threads) {
            return new Fake("cpu " + threads);
        }

        @Override
        public Engine openGpu() throws EngineException {
            raise(gpuFails);
            return new Fake("gpu");
        }

        @Override
        public double lowestCosine(Engine one, Engine other) throws EngineException {
            assertEquals("gpu", one.description());
            assertEquals("cpu 2", other.description());
            raise(trialFails);
            return cosine;
        }
    };

    private final EngineChoice choice = new EngineChoice(new MemoryGauge() {
        @Override
        public boolean isLow() {
            return isLow;
        }

        @Override
        public long availableBytes() {
            return availableBytes;
        }
    });

    private static Manifest manifest(int horizon, String... roles) throws Exception {
        StringBuilder states = new StringBuilder();
        for (String role : roles) {
            String name = role + states.length();
            states.append(states.length() == 0 ? "" : ",").append("{'name':'").append(name)
                    .append("','role':'").append(role).append("','inputs':['in_").append(name)
                    .append("'],'output':'out_").append(name)
                    .append("','advance':'replace','shape':[1,1],'dtype':'float32'}");
        }
        String json = ("{'name':'m','input':{'tensor':'image','shape':[1,8,8,3],"
                + "'dtype':'float32'},'logits':{'tensor':'logits','classes':2,'dtype':'float32'},"
                + "'states':[" + states + "]"
                + (horizon > 0 ? ",'horizon_frames':" + horizon : "") + "}").replace('\'', '"');
        return Manifest.parse(json.getBytes(StandardCharsets.UTF_8));
    }

    private ChosenEngine open(Manifest manifest, int horizon, boolean gpu) throws Exception {
        ChosenEngine chosen = choice.open(manifest, FILE_BYTES, source, 2, horizon, gpu);
        assertEquals("one engine stays open", 1, open.size());
        assertSame(open.get(0), chosen.engine());
        return chosen;
    }

    private void expectCpu(Manifest manifest, EngineNotice notice) throws Exception {
        ChosenEngine chosen = open(manifest, 7, true);
        assertEquals("cpu 2", chosen.engine().description());
        assertEquals(notice, chosen.notice());
        assertEquals(7, chosen.horizonFrames());
    }

    @Test
    public void theCpuUnlessTheGpuIsAskedFor() throws Exception {
        ChosenEngine chosen = open(manifest(0), 0, false);
        assertEquals("cpu 2", chosen.engine().description());
        assertEquals(EngineNotice.NONE, chosen.notice());
    }

    @Test
    public void aGpuThatAgreesIsUsed() throws Exception {
        assertEquals("gpu", open(manifest(0), 0, true).engine().description());
    }

    @Test
    public void noGpuIsSaid() throws Exception {
        hasGpu = false;
        expectCpu(manifest(0), EngineNotice.GPU_MISSING);
    }

    @Test
    public void otherAnswersAreNotTrusted() throws Exception {
        for (double lowest : new double[] {0.989, 0, -1, Double.NaN}) {
            open.clear();
            cosine = lowest;
            expectCpu(manifest(0), EngineNotice.GPU_DISAGREES);
        }
    }

    @Test
    public void aGpuThatFailsIsRefused() throws Exception {
        Throwable[] errors = {new EngineException("no"), new IllegalStateException()};
        for (Throwable error : errors) {
            open.clear();
            gpuFails = error;
            expectCpu(manifest(0), EngineNotice.GPU_REFUSES);
            open.clear();
            gpuFails = null;
            trialFails = error;
            expectCpu(manifest(0), EngineNotice.GPU_REFUSES);
            trialFails = null;
        }
    }

    @Test
    public void float16sRulesHold() throws Exception {
        expectCpu(manifest(0, "position"), EngineNotice.GPU_POSITIONS);
        open.clear();
        expectCpu(manifest(0, "pool", "clock"), EngineNotice.GPU_MEANS);
        open.clear();
        expectCpu(manifest(0, "pool", "pool", "remainder", "clock"), EngineNotice.GPU_MEANS);
        open.clear();
        ChosenEngine chosen = open(manifest(0, "pool", "remainder", "clock"), 0, true);
        assertEquals("gpu", chosen.engine().description());
        assertEquals(2048, chosen.horizonFrames());
    }

    @Test
    public void theClockOfAGpuStopsInTime() throws Exception {
        assertEquals(2048, horizonOnGpu(manifest(0, "clock"), 5000));
        assertEquals(2048, horizonOnGpu(manifest(4096, "clock"), 0));
        assertEquals(16, horizonOnGpu(manifest(4096, "clock"), 16));
        assertEquals(64, horizonOnGpu(manifest(64, "clock"), 0));
        assertEquals("no clock to hold", 0, horizonOnGpu(manifest(0, "buffer"), 0));
    }

    private int horizonOnGpu(Manifest manifest, int wanted) throws Exception {
        open.clear();
        ChosenEngine chosen = open(manifest, wanted, true);
        assertEquals("gpu", chosen.engine().description());
        return chosen.horizonFrames();
    }

    @Test
    public void tooLittleMemoryOpensNothing() throws Exception {
        availableBytes = 3 * FILE_BYTES - 1;
        expectLowMemory();
        availableBytes = 3 * FILE_BYTES;
        isLow = true;
        expectLowMemory();
        isLow = false;
        open(manifest(0), 0, true);
    }

    @Test
    public void memoryThatRunsOutInTheTrialLeavesNothingOpen() throws Exception {
        trialFails = new OutOfMemoryError();
        expectLowMemory();
    }

    private void expectLowMemory() throws Exception {
        try {
            choice.open(manifest(0), FILE_BYTES, source, 2, 0, true);
            fail("opened");
        } catch (LowMemoryException error) {
            assertEquals(0, open.size());
        }
    }
}
