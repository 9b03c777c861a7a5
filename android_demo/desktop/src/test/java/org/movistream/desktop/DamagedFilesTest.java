package org.movistream.desktop;

import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.Test;
import org.movistream.core.ModelDescription;
import org.movistream.core.ModelException;

/** A file that was damaged on its way is a message, whatever was hit. */
public final class DamagedFilesTest {
    private static final int TRIES = 400;
    private static final String DIGEST = "\"digest\":\"";

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

    /** Whoever changes a file can seal it again: then tables are all that refuses it. */
    @Test
    public void changedAndSealedAnew() throws Exception {
        byte[] whole = model();
        int digest = new String(whole, StandardCharsets.ISO_8859_1).lastIndexOf(DIGEST)
                + DIGEST.length();
        Random random = new Random(2);
        int refused = 0;
        for (int attempt = 0; attempt < 10 * TRIES; attempt++) {
            byte[] changed = whole.clone();
            for (int change = 0; change < 1 + attempt % 3; change++) {
                int range = attempt % 4 == 0 ? changed.length : 4096;
                changed[random.nextInt(range)] = (byte) random.nextInt(256);
            }
            Arrays.fill(changed, digest, digest + 64, (byte) '0');
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(changed);
            for (int index = 0; index < sum.length; index++) {
                byte[] digits = String.format("%02x", sum[index])
                        .getBytes(StandardCharsets.ISO_8859_1);
                System.arraycopy(digits, 0, changed, digest + 2 * index, 2);
            }
            File file = Files.createTempFile("changed", ".tflite").toFile();
            try {
                Files.write(file.toPath(), changed);
                ModelDescription.read(file);
            } catch (ModelException error) {
                refused++;
            } finally {
                assertTrue(file.delete());
            }
        }
        assertTrue("only " + refused + " refused", refused > TRIES);
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
