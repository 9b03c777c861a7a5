package org.movistream.desktop;

import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.util.Map;
import org.junit.Test;
import org.movistream.core.Engine;
import org.movistream.core.ModelDescription;
import org.movistream.core.ProcessMemory;
import org.movistream.core.Stream;
import org.movistream.core.TensorBuffer;

/** Streams and engines give back what they take. */
public final class ClosingTest {
    private static final int STREAMS = 5_000;
    private static final long MOST_GROWN_BYTES = 5L << 20;

    @Test
    public void fiveThousandStreamsDoNotGrow() throws Exception {
        for (Object each : Expectations.models()) {
            ModelDescription model = Expectations.describe((Map<?, ?>) each);
            try (Engine engine = Expectations.open(model)) {
                Object image = image(model);
                // The JVM compiles meanwhile, which takes memory of its own.
                openAndClose(model, engine, image, STREAMS);
                System.gc();
                long before = ProcessMemory.privateDirtyBytes();
                openAndClose(model, engine, image, STREAMS);
                System.gc();
                long grown = ProcessMemory.privateDirtyBytes() - before;
                System.out.println(model.file.getName() + ": " + STREAMS
                        + " streams grew memory by " + grown + " bytes");
                assertTrue("grew by " + grown, grown < MOST_GROWN_BYTES);
            }
        }
    }

    private static void openAndClose(
            ModelDescription model, Engine engine, Object image, int streams) throws Exception {
        for (int count = 0; count < streams; count++) {
            Stream stream = new Stream(engine, model.manifest, 0);
            stream.step(image);
            stream.close();
            stream.close();
        }
    }

    private static Object image(ModelDescription model) {
        int numbers = model.manifest.input.height() * model.manifest.input.width()
                * model.manifest.input.channels();
        return model.manifest.quantization.equals("int8") ? (Object) new byte[numbers]
                : new float[numbers];
    }

    @Test
    public void whatIsClosedIsNotUsedAgain() throws Exception {
        ModelDescription model =
                Expectations.describe((Map<?, ?>) Expectations.models().get(0));
        Object image = image(model);
        Engine engine = Expectations.open(model);
        Stream stream = new Stream(engine, model.manifest, 0);
        TensorBuffer buffer = engine.createInput(engine.inputNames().get(0));
        engine.close();
        engine.close();
        buffer.close();
        stream.close();
        try {
            new Stream(engine, model.manifest, 0).close();
            fail();
        } catch (IllegalStateException error) {
            assertTrue(error.getMessage().contains("closed"));
        }
        Engine other = Expectations.open(model);
        Stream left = new Stream(other, model.manifest, 0);
        other.close();
        try {
            left.step(image);
            fail();
        } catch (IllegalStateException error) {
            assertTrue(error.getMessage().contains("freed"));
        }
        left.close();
    }
}
