package org.movistream.core;

import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Small files, sound and hostile, that {@code python -m tests.model_cases} writes. */
public final class ModelCasesTest {
    @Test
    public void everyFileIsJudgedAsByPython() throws Exception {
        String folder = System.getProperty("movistream.models");
        assumeTrue("tests/model_cases.py has not written its files", folder != null);
        byte[] listed = Files.readAllBytes(new File(folder, "cases.json").toPath());
        List<Object> cases = SharedCases.list(
                Json.parse(new String(listed, StandardCharsets.UTF_8)));
        assertTrue(cases.size() > 700);
        List<String> wrong = new ArrayList<>();
        for (Object each : cases) {
            Map<String, Object> one = SharedCases.object(each);
            byte[] data = Files.readAllBytes(
                    new File(folder, (String) one.get("file")).toPath());
            String message = verdict(data);
            String refused = (String) one.get("refused");
            boolean right = refused == null ? message == null
                    : message != null && message.contains(refused);
            if (!right) {
                wrong.add(one.get("about") + ": " + message + " instead of " + refused);
            }
        }
        assertTrue(String.join("\n", wrong), wrong.isEmpty());
    }

    /** The message that refuses a file, or null. */
    private static String verdict(byte[] data) {
        try {
            ModelFile.read(ByteBuffer.wrap(data));
            return null;
        } catch (ModelException error) {
            return error.getMessage();
        }
    }
}
