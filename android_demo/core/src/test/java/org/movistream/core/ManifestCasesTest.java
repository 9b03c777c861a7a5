package org.movistream.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.Test;

public final class ManifestCasesTest {
    private static final String OPEN = new String(new char[64]).replace('\0', '0');

    @Test
    public void accepted() throws Exception {
        assertTrue(runAll("accepted") > 10);
    }

    @Test
    public void refusedBySchema() throws Exception {
        assertTrue(runAll("schema") > 30);
    }

    @Test
    public void refusedBecauseTheyDoNotFit() throws Exception {
        assertTrue(runAll("fit") > 20);
    }

    @Test
    public void aChangedFileIsRefused() throws Exception {
        Map<String, Object> base = SharedCases.object(SharedCases.read("manifest_cases/base.json"));
        String text = new String(sealed(base), StandardCharsets.UTF_8)
                .replace("tiny-stream", "tiny-strean");
        assertRefused(base, text.getBytes(StandardCharsets.UTF_8), "has changed since", "changed");
    }

    private static int runAll(String name) throws Exception {
        List<Object> cases = SharedCases.list(
                SharedCases.read("manifest_cases/" + name + ".json"));
        for (Object each : cases) {
            Map<String, Object> one = SharedCases.object(each);
            // Read anew for every case: edits change it.
            Map<String, Object> whole = SharedCases.object(
                    SharedCases.read("manifest_cases/base.json"));
            for (Object edit : SharedCases.list(one.get("edits"))) {
                apply(SharedCases.object(edit), whole);
            }
            String about = name + ": " + one.get("about");
            if (one.get("refused") == null) {
                Map<String, Object> manifest = SharedCases.object(whole.get("manifest"));
                assertEquals(about, manifest.get("name"), bind(whole, sealed(whole)).name);
            } else {
                assertRefused(whole, sealed(whole), (String) one.get("refused"), about);
            }
        }
        return cases.size();
    }

    private static void assertRefused(
            Map<String, Object> whole, byte[] data, String message, String about)
            throws Exception {
        try {
            bind(whole, data);
            fail(about + " was accepted");
        } catch (ModelException error) {
            assertTrue(about + ": " + error.getMessage(), error.getMessage().contains(message));
        }
    }

    private static void apply(Map<String, Object> edit, Map<String, Object> whole) {
        List<Object> path = SharedCases.list(edit.get("path"));
        Object place = whole;
        for (Object step : path.subList(0, path.size() - 1)) {
            place = step instanceof String ? SharedCases.object(place).get(step)
                    : SharedCases.list(place).get(((Long) step).intValue());
        }
        Object last = path.get(path.size() - 1);
        boolean removes = !edit.containsKey("value");
        if (last instanceof String) {
            if (removes) {
                SharedCases.object(place).remove(last);
            } else {
                SharedCases.object(place).put((String) last, edit.get("value"));
            }
        } else if (removes) {
            SharedCases.list(place).remove(((Long) last).intValue());
        } else {
            SharedCases.list(place).set(((Long) last).intValue(), edit.get("value"));
        }
    }

    /** A "file" that is nothing but its manifest, with its digest. */
    private static byte[] sealed(Map<String, Object> whole) throws Exception {
        Map<String, Object> manifest = SharedCases.object(whole.get("manifest"));
        manifest.remove("digest");
        manifest.put("digest", OPEN);
        String text = JsonWriter.write(manifest);
        byte[] digest = MessageDigest.getInstance("SHA-256")
                .digest(text.getBytes(StandardCharsets.UTF_8));
        StringBuilder digits = new StringBuilder();
        for (byte value : digest) {
            digits.append(String.format("%02x", value));
        }
        return text.replace(OPEN, digits).getBytes(StandardCharsets.UTF_8);
    }

    private static Manifest bind(Map<String, Object> whole, byte[] data) throws ModelException {
        Map<String, Object> described = SharedCases.object(whole.get("signature"));
        ModelFile.Signature signature = new ModelFile.Signature("serving_default",
                tensors(described.get("inputs")), tensors(described.get("outputs")));
        ModelFile file = new ModelFile(Collections.singletonMap(signature.key, signature),
                Collections.singletonMap(
                        "movistream.manifest", new FlatBuffer.Span(0, data.length)));
        return Binding.bind(file, ByteBuffer.wrap(data));
    }

    private static Map<String, Tensor> tensors(Object entries) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, Object> entry : SharedCases.object(entries).entrySet()) {
            Map<String, Object> tensor = SharedCases.object(entry.getValue());
            List<Object> sizes = SharedCases.list(tensor.get("shape"));
            int[] shape = new int[sizes.size()];
            for (int axis = 0; axis < shape.length; axis++) {
                shape[axis] = ((Long) sizes.get(axis)).intValue();
            }
            tensors.put(entry.getKey(), new Tensor(
                    ((Long) tensor.get("index")).intValue(), entry.getKey(),
                    elementType((String) tensor.get("dtype")), shape,
                    quantization((String) tensor.get("quantization")), 0, -1));
        }
        return tensors;
    }

    private static ElementType elementType(String text) {
        for (ElementType type : ElementType.values()) {
            if (type.toString().equals(text)) {
                return type;
            }
        }
        throw new AssertionError(text);
    }

    /** Of "scale:zero point", or null for none. */
    private static Quantization quantization(String text) {
        if (text.isEmpty()) {
            return null;
        }
        String[] parts = text.split(":");
        return new Quantization(new float[] {Float.parseFloat(parts[0])},
                new long[] {Long.parseLong(parts[1])}, 0);
    }
}
