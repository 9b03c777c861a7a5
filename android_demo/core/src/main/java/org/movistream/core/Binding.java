package org.movistream.core;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Ties a manifest to the tensors of its file. */
final class Binding {
    /** Of a network's image; it is held several times on its way into an engine. */
    static final int MOST_PIXELS = 1 << 22;
    /** Of all channels of an image. */
    static final int MOST_NUMBERS = 3 * MOST_PIXELS;

    static final String METADATA_NAME = "movistream.manifest";
    static final int LARGEST_MANIFEST_BYTES = 1 << 22;
    static final int DIGEST_DIGITS = 64;

    private Binding() {}

    /**
     * The manifest of a file, checked against its graph.
     *
     * @param file what {@link ModelFile#read} made of the data.
     * @param data the file's bytes.
     * @throws ModelException if there is no manifest, the file is damaged, or they do not fit.
     */
    static Manifest bind(ModelFile file, ByteBuffer data) throws ModelException {
        FlatBuffer.Span span = file.metadata(METADATA_NAME);
        if (span == null) {
            throw new ModelException("it carries no movistream manifest;"
                    + " convert its checkpoint with movistream");
        }
        if (span.length > LARGEST_MANIFEST_BYTES) {
            throw new ModelException(
                    "its manifest has " + span.length + " bytes, so it is damaged");
        }
        Manifest manifest = Manifest.parse(bytes(data, span.start, span.length));
        if (!digestIsRight(data, manifest.digest)) {
            throw new ModelException("its content has changed since it was converted, so it is"
                    + " damaged; copy or convert it again");
        }
        checkFit(manifest, file);
        return manifest;
    }

    private static byte[] bytes(ByteBuffer data, int start, int length) {
        ByteBuffer part = data.duplicate();
        part.clear().position(start);
        byte[] bytes = new byte[length];
        part.get(bytes);
        return bytes;
    }

    private static boolean digestIsRight(ByteBuffer data, String digest) {
        if (digest.length() != DIGEST_DIGITS) {
            return false;
        }
        String key = "\"digest\":\"";
        int found = lastIndexOf(data, (key + digest + "\"}").getBytes(StandardCharsets.UTF_8));
        if (found < 0) {
            return false;
        }
        int position = found + key.length();
        MessageDigest sha256 = sha256();
        ByteBuffer part = data.duplicate();
        part.clear().limit(position);
        sha256.update(part);
        byte[] open = new byte[DIGEST_DIGITS];
        Arrays.fill(open, (byte) '0');
        sha256.update(open);
        part.clear().position(position + DIGEST_DIGITS);
        sha256.update(part);
        return hexadecimal(sha256.digest()).equals(digest);
    }

    private static int lastIndexOf(ByteBuffer data, byte[] wanted) {
        for (int start = data.capacity() - wanted.length; start >= 0; start--) {
            int length = 0;
            while (length < wanted.length && data.get(start + length) == wanted[length]) {
                length++;
            }
            if (length == wanted.length) {
                return start;
            }
        }
        return -1;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException error) {
            throw new AssertionError("every Java platform has SHA-256", error);
        }
    }

    private static String hexadecimal(byte[] bytes) {
        StringBuilder digits = new StringBuilder();
        for (byte value : bytes) {
            digits.append(Character.forDigit((value >> 4) & 15, 16));
            digits.append(Character.forDigit(value & 15, 16));
        }
        return digits.toString();
    }

    private static void checkFit(Manifest manifest, ModelFile file) throws ModelException {
        ModelFile.Signature signature = file.signatures.get(manifest.signature);
        if (signature == null) {
            throw new ModelException("its manifest names the signature '" + manifest.signature
                    + "', which is not there");
        }
        Manifest.ImageInput input = manifest.input;
        Manifest.Logits logits = manifest.logits;
        checkTensor(signature.inputs, "inputs", input.tensor, input.dtype, input.shape);
        int[] logitsShape = {1, logits.classes};
        checkTensor(signature.outputs, "outputs", logits.tensor, logits.dtype, logitsShape);
        if (!isOneFrame(input.shape)) {
            throw new ModelException(
                    "its manifest gives the image the shape " + Arrays.toString(input.shape));
        }
        if (signature.passesThrough(signature.outputs.get(logits.tensor))) {
            throw new ModelException("its output '" + logits.tensor + "' is an input too");
        }
        List<String> inputs = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        inputs.add(input.tensor);
        outputs.add(logits.tensor);
        Set<String> names = new HashSet<>();
        for (Manifest.State state : manifest.states) {
            checkState(state, signature);
            inputs.addAll(state.inputs);
            outputs.add(state.output);
            if (!names.add(state.name)) {
                throw new ModelException("its manifest gives two states one name");
            }
        }
        checkNamedOnce(inputs, signature.inputs, "inputs");
        checkNamedOnce(outputs, signature.outputs, "outputs");
        checkTexts(manifest);
        checkVersion(manifest);
        checkImage(manifest, signature);
        if (!manifest.labels.isEmpty() && manifest.labels.size() != logits.classes) {
            throw new ModelException("its manifest has " + manifest.labels.size() + " labels for "
                    + logits.classes + " classes");
        }
        if (manifest.events != null) {
            checkEvents(manifest.events, logits.classes);
        }
    }

    private static void checkEvents(Manifest.EventDefaults events, int classes)
            throws ModelException {
        checkPerClass("enter", events.enter, classes);
        checkPerClass("leave", events.leave, classes);
        for (int index = 0; index < classes; index++) {
            if (events.leave[index] > events.enter[index]) {
                throw new ModelException(
                        "its manifest ends events above the score at which they begin");
            }
        }
    }

    private static void checkPerClass(String name, double[] scores, int classes)
            throws ModelException {
        if (scores.length != classes) {
            throw new ModelException("its manifest has " + scores.length + " scores to " + name
                    + " events for " + classes + " classes");
        }
    }

    private static void checkVersion(Manifest manifest) throws ModelException {
        if (manifest.schemaVersion < manifest.neededVersion) {
            throw new ModelException("its manifest says things that version "
                    + manifest.schemaVersion + " of manifests cannot");
        }
    }

    /** What is said of an image whose tensor is there. */
    private static void checkImage(Manifest manifest, ModelFile.Signature signature)
            throws ModelException {
        Manifest.ImageInput image = manifest.input;
        int channels = image.channels();
        if ((!image.hasColorOrder) == (channels == 3)) {
            throw new ModelException("its manifest gives " + channels
                    + " channels the colour order " + (image.hasColorOrder ? "RGB" : "null"));
        }
        checkPerChannel("mean", image.mean, channels);
        checkPerChannel("std", image.std, channels);
        boolean quantised = image.scale != 0;
        boolean plain = image.mean == null && image.std == null;
        boolean rangeFits = image.dtype == ElementType.FLOAT32 || quantised
                ? image.low < image.high : plain && image.low == -128 && image.high == 127;
        if (!rangeFits || image.dtype != ElementType.FLOAT32
                && image.dtype != ElementType.INT8) {
            throw new ModelException("its manifest gives the " + image.dtype + " image"
                    + (plain ? "" : " normalised,") + " the range "
                    + image.low + " to " + image.high);
        }
        Quantization stored = signature.inputs.get(image.tensor).quantization;
        boolean scaleFits = image.dtype == ElementType.INT8 && stored != null
                && stored.channels == 1 && stored.scale == (float) image.scale
                && stored.zeroPoint == image.zeroPoint;
        if (quantised && !scaleFits) {
            throw new ModelException("its manifest gives the " + image.dtype
                    + " image the scale " + image.scale + " and the zero point "
                    + image.zeroPoint + ", and the graph others");
        }
    }

    private static void checkPerChannel(String name, double[] values, int channels)
            throws ModelException {
        if (values != null && values.length != channels) {
            throw new ModelException("its manifest gives " + values.length + " numbers as the "
                    + name + " of " + channels + " channels");
        }
    }

    private static void checkState(Manifest.State state, ModelFile.Signature signature)
            throws ModelException {
        for (String tensor : state.inputs) {
            checkTensor(signature.inputs, "inputs", tensor, state.dtype, state.shape);
        }
        checkTensor(signature.outputs, "outputs", state.output, state.dtype, state.shape);
        if (state.advance != Manifest.Advance.SHIFT && state.inputs.size() != 1) {
            throw new ModelException(
                    "state '" + state.name + "' is not shifted but has several inputs");
        }
        Tensor output = signature.outputs.get(state.output);
        for (String tensor : state.inputs) {
            if (!Quantization.same(
                    signature.inputs.get(tensor).quantization, output.quantization)) {
                throw new ModelException("state '" + state.name
                        + "' comes out with another quantisation than it goes in with");
            }
        }
        if (!isHeld(state.initial, state.dtype)) {
            throw new ModelException("state '" + state.name + "' starts at " + state.initial
                    + ", which " + state.dtype + " cannot hold");
        }
        if (state.advance == Manifest.Advance.KEEP || signature.passesThrough(output)) {
            throw new ModelException(
                    "state '" + state.name + "' comes out of an input, unchanged");
        }
    }

    /** Whether a type has a number; others than these three never come so far. */
    private static boolean isHeld(double value, ElementType dtype) {
        if (dtype == ElementType.FLOAT32) {
            return true;
        }
        double limit = dtype == ElementType.INT8 ? 128 : 1L << 31;
        return value == Math.rint(value) && value >= -limit && value < limit;
    }

    private static void checkTensor(Map<String, Tensor> tensors, String side,
            String name, ElementType dtype, int[] shape) throws ModelException {
        Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new ModelException("its manifest names the tensor '" + name
                    + "', which is not in its " + side);
        }
        if (tensor.dtype != dtype || !Arrays.equals(tensor.shape, shape)) {
            throw new ModelException("its manifest says that '" + name + "' is " + dtype + " "
                    + Arrays.toString(shape) + ", and the graph that it is " + tensor.dtype + " "
                    + Arrays.toString(tensor.shape));
        }
    }

    private static void checkNamedOnce(
            List<String> named, Map<String, Tensor> known, String side)
            throws ModelException {
        Set<String> odd = new TreeSet<>(known.keySet());
        Set<String> seen = new HashSet<>();
        for (String name : named) {
            if (seen.add(name)) {
                odd.remove(name);
            } else {
                odd.add(name);
            }
        }
        if (!odd.isEmpty()) {
            throw new ModelException(
                    "its manifest and its signature disagree on the " + side + " "
                            + Text.quoted(odd));
        }
    }

    private static void checkTexts(Manifest manifest) throws ModelException {
        List<String> texts = new ArrayList<>(manifest.labels);
        texts.add(manifest.name);
        for (Manifest.State state : manifest.states) {
            texts.add(state.name);
        }
        for (String text : texts) {
            if (Text.hasControlCharacters(text)) {
                throw new ModelException(
                        "its manifest holds control characters in its names or labels");
            }
        }
    }

    private static boolean isOneFrame(int[] shape) {
        int rank = shape.length;
        boolean one = rank == 4 || rank == 5;
        for (int axis = 0; one && axis < rank - 3; axis++) {
            one = shape[axis] == 1;
        }
        long pixels = one ? (long) shape[rank - 3] * shape[rank - 2] : 0;
        return one && pixels <= MOST_PIXELS && pixels * shape[rank - 1] <= MOST_NUMBERS;
    }
}
