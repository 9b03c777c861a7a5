package org.movistream.core;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;

/** JSON files that Python's tests read too. */
final class SharedCases {
    private SharedCases() {}

    static Object read(String name) throws IOException, ModelException {
        File folder = new File(System.getProperty("movistream.tests", "../../tests"));
        byte[] bytes = Files.readAllBytes(new File(folder, name).toPath());
        return Json.parse(new String(bytes, StandardCharsets.UTF_8));
    }

    @SuppressWarnings("unchecked") // The files are this project's own.
    static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked") // The files are this project's own.
    static List<Object> list(Object value) {
        return (List<Object>) value;
    }

    /** A whole number among an object's values. */
    static int whole(Map<String, Object> one, String name) {
        return ((Long) one.get(name)).intValue();
    }

    static float[] floats(Object numbers) {
        List<Object> list = list(numbers);
        float[] floats = new float[list.size()];
        for (int index = 0; index < floats.length; index++) {
            floats[index] = (float) number(list.get(index));
        }
        return floats;
    }

    static double number(Object value) {
        return ((Number) value).doubleValue();
    }
}
