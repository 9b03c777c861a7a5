package org.movistream.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import java.io.InputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.After;
import org.junit.Test;

/** Every number that Python shares is the same here; none is left out. */
public final class SharedConstantsTest {
    private final Map<String, Object> groups;
    private Map<String, Object> group;

    public SharedConstantsTest() throws Exception {
        groups = SharedCases.object(SharedCases.read("shared_constants.json"));
    }

    private void begin(String name) {
        group = new HashMap<>(SharedCases.object(groups.get(name)));
    }

    /** Takes a number out of the group, and compares it. */
    private void same(String name, double own) {
        Object shared = group.remove(name);
        assertNotNull(name, shared);
        assertEquals(name, SharedCases.number(shared), own, 0);
    }

    private void same(String name, Object own) {
        Object shared = group.remove(name);
        assertNotNull(name, shared);
        assertEquals(name, shared, own);
    }

    private void sameNumbers(String name, double... own) {
        List<Object> shared = SharedCases.list(group.remove(name));
        assertEquals(name, shared.size(), own.length);
        for (int index = 0; index < own.length; index++) {
            assertEquals(name, SharedCases.number(shared.get(index)), own[index], 0);
        }
    }

    @After
    public void nothingIsLeftOver() {
        assertEquals(Collections.emptySet(), group.keySet());
    }

    @Test
    public void everyGroupIsCompared() {
        group = Collections.emptyMap();
        assertEquals(new TreeSet<>(Arrays.asList("arithmetic", "files", "graph_limits",
                "manifests", "operator_rules", "operators", "pacing", "pixels", "results",
                "scene_cuts", "watching")), new TreeSet<>(groups.keySet()));
    }

    @Test
    public void graphLimits() {
        begin("graph_limits");
        same("most_bytes_at_once", GraphLimits.MOST_BYTES_AT_ONCE);
        same("most_bytes_in_all", GraphLimits.MOST_BYTES_IN_ALL);
        same("most_weight_bytes", GraphLimits.MOST_WEIGHT_BYTES);
        same("most_workspace_bytes", GraphLimits.MOST_WORKSPACE_BYTES);
        same("most_multiply_adds", GraphLimits.MOST_MULTIPLY_ADDS);
        same("pointer_bytes", GraphLimits.POINTER_BYTES);
    }

    @Test
    public void operatorRules() {
        begin("operator_rules");
        same("most_repeated", OperatorRules.MOST_REPEATED);
        same("smallest_scale", OperatorRules.SMALLEST_SCALE);
        same("largest_scale", OperatorRules.LARGEST_SCALE);
        same("finest_sum", OperatorRules.FINEST_SUM);
        same("coarsest_product", OperatorRules.COARSEST_PRODUCT);
        sameNumbers("logistic", OperatorRules.LOGISTIC_SCALE, OperatorRules.LOGISTIC_ZERO_POINT);
        sameNumbers("tanh", OperatorRules.TANH_SCALE, OperatorRules.TANH_ZERO_POINT);
        same("only_constant", sorted(OperatorRules.ONLY_CONSTANT));
        same("optional_tensor", Operator.OPTIONAL_TENSOR);
        same("same_padding", ShapeRules.SAME_PADDING);
        for (Object rule : SharedCases.list(group.remove("shape_rules"))) {
            assertTrue(rule.toString(), hasShapeRule((String) rule));
        }
        assertTrue(!hasShapeRule("of no operator"));
    }

    private static boolean hasShapeRule(String name) {
        try {
            ShapeRules.results(name, null);
            return true;
        } catch (NullPointerException error) {
            return true; // It has looked at its operands.
        } catch (ModelException | RuntimeException error) {
            return false;
        }
    }

    @Test
    public void operators() throws Exception {
        begin("operators");
        MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        try (InputStream table = Format.class.getResourceAsStream("tflite.json")) {
            for (int next = table.read(); next >= 0; next = table.read()) {
                sha256.update((byte) next);
            }
        }
        StringBuilder digits = new StringBuilder();
        for (byte value : sha256.digest()) {
            digits.append(String.format("%02x", value));
        }
        same("table_sha256", digits.toString());
        same("names", sorted(Format.TFLITE.operators.keySet()));
        List<String> sized = new ArrayList<>();
        for (Map.Entry<String, Format.Rules> entry : Format.TFLITE.operators.entrySet()) {
            if (entry.getValue().sizedAtRunTime) {
                sized.add(entry.getKey());
            }
        }
        same("sized_at_run_time", sorted(sized));
    }

    @Test
    public void files() {
        begin("files");
        same("identifier", ModelFile.IDENTIFIER);
        Map<String, Object> dtypes = new HashMap<>();
        Map<String, Object> bits = new HashMap<>();
        for (Map.Entry<Long, ElementType> entry : ModelFile.DTYPES.entrySet()) {
            String name = entry.getValue().toString();
            dtypes.put(entry.getKey().toString(), name);
            bits.put(name, entry.getValue().bytes(8));
        }
        same("dtypes", dtypes);
        same("dtype_bits", bits);
        same("interface_dtypes", sorted(ModelFile.INTERFACE_DTYPES));
        same("largest_tensor_bytes", ModelFile.LARGEST_TENSOR_BYTES);
        same("smallest_scale", ModelFile.SMALLEST_SCALE);
        same("most_graphs", ModelFile.MOST_GRAPHS);
        same("most_operands", ModelFile.MOST_OPERANDS);
        same("longest_name", ModelFile.LONGEST_NAME);
        same("placeholder_code", ModelFile.PLACEHOLDER_CODE);
        same("longest_string_bytes", FlatBuffer.LONGEST_STRING_BYTES);
        same("most_items", FlatBuffer.MOST_ITEMS);
    }

    @Test
    public void manifests() {
        begin("manifests");
        same("metadata_name", Binding.METADATA_NAME);
        same("signature_key", Manifest.SIGNATURE_KEY);
        same("digest_digits", Binding.DIGEST_DIGITS);
        same("largest_bytes", Binding.LARGEST_MANIFEST_BYTES);
        same("most_pixels", Binding.MOST_PIXELS);
        same("most_numbers", Binding.MOST_NUMBERS);
        same("most_frames_per_second", Manifest.MOST_FRAMES_PER_SECOND);
        same("most_frames", Manifest.MOST_FRAMES);
        same("moderate", Fields.MODERATE);
        same("longest_text", Fields.LONGEST_TEXT);
        same("most_sizes", Fields.MOST_SIZES);
        same("most_moment_s", Manifest.MOST_MOMENT_S);
        same("least_deviation", Manifest.LEAST_DEVIATION);
        sameNumbers("scale", Manifest.SMALLEST_SCALE, Manifest.LARGEST_SCALE);
        same("dtypes", sorted(Arrays.asList(Manifest.ELEMENT_TYPES)));
        same("roles", sorted(Arrays.asList(Manifest.Role.values())));
        same("activations", sorted(Arrays.asList(Manifest.Activation.values())));
        same("advances", sorted(Arrays.asList(Manifest.Advance.values())));
        same("state_layouts", sorted(Arrays.asList(Manifest.StateLayout.values())));
        same("fits", Collections.singletonList(Manifest.FIT));
        same("resizes", Collections.singletonList(Manifest.RESIZE));
        sameNumbers("schema_versions", 1, 2, Manifest.NEWEST_VERSION);
    }

    @Test
    public void pixels() {
        begin("pixels");
        sameNumbers("luma", Preprocessor.LUMA);
        same("byte_zero_point", Preprocessor.BYTE_ZERO_POINT);
    }

    @Test
    public void arithmetic() {
        begin("arithmetic");
        same("most_float16_frames", Float16.MOST_FRAMES);
        same("least_cosine", Agreement.LEAST_COSINE);
        same("agreement_frames", Agreement.FRAMES);
    }

    @Test
    public void pacing() {
        begin("pacing");
        same("tie_s", RecordingPacer.TIE_S);
    }

    @Test
    public void watching() {
        begin("watching");
        WatchOptions options = WatchOptions.defaults();
        same("temperature", options.temperature);
        same("smoothing_s", WatchOptions.DEFAULT_SMOOTHING_S);
        same("enter", WatchOptions.DEFAULT_ENTER);
        same("leave", WatchOptions.DEFAULT_LEAVE);
        same("shortest_s", WatchOptions.DEFAULT_SHORTEST_S);
        same("top", options.topClasses);
        same("reset_on_cut", (Object) options.resetOnCut);
        same("reset_after_gap_s", options.resetAfterGapS);
        same("reset_every_s", options.resetEveryS);
    }

    @Test
    public void sceneCuts() {
        begin("scene_cuts");
        same("grid", SceneCuts.GRID);
        same("bins", SceneCuts.BINS);
        same("cut_distance", SceneCuts.CUT_DISTANCE);
        same("cut_ratio", SceneCuts.CUT_RATIO);
        same("adaptation", SceneCuts.ADAPTATION);
    }

    @Test
    public void results() {
        begin("results");
        same("version", Event.VOCABULARY_VERSION);
        same("reasons", sorted(Arrays.asList(ResetReason.values())));
        same("event_columns", Arrays.asList((Object[]) EventTable.COLUMNS.split(",")));
        same("formula_starts", EventTable.FORMULA_STARTS);
    }

    private static List<String> sorted(Collection<?> values) {
        TreeSet<String> sorted = new TreeSet<>();
        for (Object value : values) {
            sorted.add(value.toString());
        }
        return new ArrayList<>(sorted);
    }
}
