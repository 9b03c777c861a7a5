package org.movistream.desktop;

import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.io.File;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.Test;
import org.movistream.core.ModelDescription;
import org.movistream.core.ModelException;

/** A file that was damaged on its way is a message, whatever was hit. */
public final class DamagedFilesTest {
    private static final int TRIES = 400;

    @Test
    public void changedBytes() throws Exception {
        byte[] whole = model();
        Random random = new Random(1);
        for (int attempt = 0; attempt < TRIES; attempt++) {
            byte[] damaged = whole.clone();
            // The first kilobytes hold most tables; every place gets its share.
            int range = attempt % 2 == 0 ? 4096 : damaged.length;
            int place = random.nextInt(range);
            damaged[place] ^= (byte) (1 + random.nextInt(255));
            assertRefused(damaged, "byte " + place);
        }
    }

    @Test
    public void cutOff() throws Exception {
        byte[] whole = model();
        for (int length = 0; length < whole.length; length += 1 + whole.length / TRIES) {
            assertRefused(Arrays.copyOf(whole, length), "length " + length);
        }
    }

    private static byte[] model() throws Exception {
        Map<?, ?> model = (Map<?, ?>) Expectations.models().get(0);
        return Files.readAllBytes(new File((String) model.get("model")).toPath());
    }

    private static void assertRefused(byte[] content, String what) throws Exception {
        File file = Files.createTempFile("damaged", ".tflite").toFile();
        try {
            Files.write(file.toPath(), content);
            ModelDescription.read(file);
            fail(what + " was accepted");
        } catch (ModelException error) {
            assertTrue(error.getMessage().startsWith(file.getName() + ": "));
        } finally {
            assertTrue(file.delete());
        }
    }
}
