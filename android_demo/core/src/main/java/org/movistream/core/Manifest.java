package org.movistream.core;

import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * All that is said about a model file, as {@code docs/manifest.md} describes it field by field.
 *
 * <p>Strict: unknown fields, other versions and values out of range are refused.
 */
public final class Manifest {
    private static final int MOST_FRAMES = 1 << 16;
    private static final double MODERATE = 1e6;
    private static final String[] DTYPES = {
        "float32", "float16", "int8", "uint8", "int16", "int32", "int64"
    };

    /** Of this description: 1 or 2. */
    public final int schemaVersion;
    /** Of the network. */
    public final String name;
    /** Key of the signature that all tensor names refer to. */
    public final String signature;
    public final String stateLayout;
    public final ImageInput input;
    public final Logits logits;
    public final List<State> states;
    /** One per class, or none. */
    public final List<String> labels;
    /** Of the file's arithmetic, such as "int8". */
    public final String quantization;
    /** Frames that temporal convolutions see behind one output; 0 if unknown. */
    public final long receptiveFieldFrames;
    /** After so many frames, running means forget; 0 for never. */
    public final int horizonFrames;
    /** The logits after a frame are about the frame that was so many before it. */
    public final int delayFrames;
    /** The logits after the first so many frames say nothing yet. */
    public final int warmUpFrames;
    /** Whether it says what only manifests of version 2 say. */
    final boolean needsVersion2;
    /** SHA-256 of the file with these 64 digits set to 0, in hexadecimal. */
    public final String digest;

    private Manifest(Fields fields) throws ModelException {
        schemaVersion = fields.has("schema_version")
                ? (int) fields.whole("schema_version", 1, 2) : 1;
        name = fields.name("name");
        signature = fields.has("signature") ? fields.name("signature") : "serving_default";
        stateLayout = fields.has("state_layout")
                ? fields.oneOf("state_layout", "frames", "model-garden", "foreign") : "frames";
        input = new ImageInput(new Fields(fields.value("input"), "input"));
        logits = new Logits(new Fields(fields.value("logits"), "logits"));
        List<State> found = new ArrayList<>();
        for (Object state : fields.list("states")) {
            found.add(new State(new Fields(state, "states[" + found.size() + "]")));
        }
        states = Collections.unmodifiableList(found);
        labels = fields.has("labels") ? Collections.unmodifiableList(fields.texts("labels"))
                : Collections.<String>emptyList();
        quantization = fields.has("quantization") ? fields.text("quantization") : "float32";
        receptiveFieldFrames = fields.has("receptive_field_frames")
                ? fields.whole("receptive_field_frames", Long.MIN_VALUE, Long.MAX_VALUE) : 0;
        horizonFrames = fields.isGiven("horizon_frames")
                ? (int) fields.whole("horizon_frames", 1, Integer.MAX_VALUE) : 0;
        delayFrames = frames(fields, "delay_frames");
        warmUpFrames = frames(fields, "warm_up_frames");
        boolean late = delayFrames > 0 || warmUpFrames > 0;
        for (State state : states) {
            late |= state.delayFrames > 0;
        }
        needsVersion2 = late || input.needsVersion2;
        if (fields.has("network")) {
            checkNetwork(fields.map("network"));
        }
        if (fields.isGiven("provenance")) {
            checkProvenance(new Fields(fields.value("provenance"), "provenance"));
        }
        digest = fields.has("digest") ? fields.text("digest") : "";
        fields.end();
    }

    /**
     * Reads a manifest and checks it against the schema.
     *
     * @param utf8 JSON in UTF-8.
     * @throws ModelException if it is no JSON, or does not follow the schema of this version.
     */
    public static Manifest parse(byte[] utf8) throws ModelException {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8))
                    .toString();
            return new Manifest(new Fields(Json.parse(text), "the manifest"));
        } catch (CharacterCodingException error) {
            throw Fields.unusable("it is not UTF-8");
        }
    }

    /** The label of a class, "class 7" if the model has none. */
    public String label(int index) {
        return labels.isEmpty() ? "class " + index : labels.get(index);
    }

    /**
     * The tensor that takes a frame, and how a frame becomes it.
     *
     * <p>A pixel value becomes a number of the value range, v; the network sees (v − mean) / std.
     * An int8 tensor with a scale holds that over the scale, rounded, plus the zero point; one
     * without holds the pixel value − 128.
     */
    public static final class ImageInput {
        /** Its name in the signature. */
        public final String tensor;
        /** (1, height, width, channels), or (1, 1, height, width, channels). */
        public final int[] shape;
        /** float32 or int8. */
        public final String dtype;
        /** "RGB"; null for other numbers of channels than three. */
        public final String colorOrder;
        /** What pixel values 0 and 255 become. */
        public final double low;
        public final double high;
        /** Of the frames that the network was trained on; 0 if unknown. */
        public final double framesPerSecond;
        /** Of each channel, in units of the value range; null for zeros. */
        final double[] mean;
        /** Likewise; null for ones. */
        final double[] std;
        /** Of an int8 tensor; 0 if nothing is said. */
        final double scale;
        /** Of an int8 tensor. */
        final int zeroPoint;
        /** Whether it says what only manifests of version 2 say. */
        final boolean needsVersion2;

        private ImageInput(Fields fields) throws ModelException {
            tensor = fields.name("tensor");
            shape = fields.shape("shape");
            dtype = fields.oneOf("dtype", DTYPES);
            if (!fields.has("color_order")) {
                colorOrder = "RGB";
            } else {
                colorOrder = fields.isGiven("color_order")
                        ? fields.oneOf("color_order", "RGB") : null;
            }
            double[] range = fields.has("value_range") ? fields.moderatePair("value_range")
                    : new double[] {0, 1};
            low = range[0];
            high = range[1];
            if (fields.has("fit")) {
                fields.oneOf("fit", "center_crop");
            }
            if (fields.has("resize")) {
                fields.oneOf("resize", "bilinear");
            }
            framesPerSecond = fields.isGiven("frames_per_second")
                    ? fields.number("frames_per_second", Double.MIN_VALUE, 1000) : 0;
            mean = fields.has("mean") ? fields.numbers("mean", -MODERATE, MODERATE) : null;
            std = fields.has("std") ? fields.numbers("std", 1e-6, MODERATE) : null;
            scale = fields.has("scale") ? fields.number("scale", 1e-15, 1e15) : 0;
            boolean hasZeroPoint = fields.has("zero_point");
            zeroPoint = hasZeroPoint ? (int) fields.whole("zero_point", -128, 127) : 0;
            if (hasZeroPoint && scale == 0) {
                throw Fields.unusable("the image has a zero point without a scale");
            }
            fields.end();
            // Of what shape it is, is found out later.
            needsVersion2 = mean != null || std != null || scale != 0
                    || shape.length > 0 && channels() != 3;
        }

        /** In pixels. */
        public int height() {
            return shape[shape.length - 3];
        }

        /** In pixels. */
        public int width() {
            return shape[shape.length - 2];
        }

        /** Of each pixel; 3 are red, green and blue, 1 is grey. */
        public int channels() {
            return shape[shape.length - 1];
        }

        double std(int channel) {
            return std == null ? 1 : std[channel];
        }

        /** What the network sees of a number of the value range. */
        double normalised(double value, int channel) {
            return (value - (mean == null ? 0 : mean[channel])) / std(channel);
        }
    }

    /** The tensor that holds a score for every class. */
    public static final class Logits {
        public final String tensor;
        /** The tensor has shape (1, classes). */
        public final int classes;
        public final String dtype;
        /** A logit is (stored − zeroPoint) · scale. */
        public final double scale;
        public final int zeroPoint;

        private Logits(Fields fields) throws ModelException {
            tensor = fields.name("tensor");
            classes = (int) fields.whole("classes", 1, Integer.MAX_VALUE);
            dtype = fields.oneOf("dtype", DTYPES);
            scale = fields.has("scale") ? fields.moderate("scale") : 1;
            zeroPoint = fields.has("zero_point")
                    ? (int) fields.whole("zero_point", Integer.MIN_VALUE, Integer.MAX_VALUE) : 0;
            fields.end();
        }
    }

    /** Something that is carried from one step to the next. */
    public static final class State {
        /** Unique in the file. */
        public final String name;
        /** buffer, pool, remainder, clock or position. */
        public final String role;
        /** The tensors that hold it before a step, oldest frame first. */
        public final List<String> inputs;
        /** The tensor that the step returns. */
        public final String output;
        /** replace, shift or keep. */
        public final String advance;
        /** Of each of these tensors. */
        public final int[] shape;
        public final String dtype;
        /** The value of every element after a reset, as stored. */
        public final double initial;
        /** It stays as after a reset until so many frames have been seen. */
        public final int delayFrames;

        private State(Fields fields) throws ModelException {
            name = fields.name("name");
            role = fields.oneOf("role", "buffer", "pool", "remainder", "clock", "position");
            inputs = Collections.unmodifiableList(fields.names("inputs"));
            if (inputs.isEmpty()) {
                throw Fields.unusable("the state '" + name + "' has no inputs");
            }
            output = fields.name("output");
            advance = fields.oneOf("advance", "replace", "shift", "keep");
            shape = fields.shape("shape");
            dtype = fields.oneOf("dtype", DTYPES);
            initial = fields.has("initial") ? fields.moderate("initial") : 0;
            if (fields.has("scale")) {
                fields.moderate("scale");
            }
            delayFrames = frames(fields, "delay_frames");
            fields.end();
        }

        /** Elements of each of its tensors. */
        public int elements() {
            int elements = 1;
            for (int size : shape) {
                elements *= size;
            }
            return elements;
        }
    }

    private static int frames(Fields fields, String name) throws ModelException {
        return fields.has(name) ? (int) fields.whole(name, 0, MOST_FRAMES) : 0;
    }

    private static void checkNetwork(Map<String, Object> options) throws ModelException {
        for (Object option : options.values()) {
            boolean plain = option instanceof String || option instanceof Number
                    || option instanceof Boolean;
            if (!plain) {
                throw Fields.unusable("an option of its network is no text, number or boolean");
            }
        }
    }

    private static void checkProvenance(Fields fields) throws ModelException {
        fields.text("source");
        fields.text("source_format");
        fields.text("converter");
        if (fields.isGiven("verification")) {
            Fields parity = new Fields(fields.value("verification"), "provenance.verification");
            parity.whole("frames", 1, Integer.MAX_VALUE);
            parity.number("max_logit_error", -Double.MAX_VALUE, Double.MAX_VALUE);
            parity.number("max_state_error", -Double.MAX_VALUE, Double.MAX_VALUE);
            parity.text("worst_state");
            parity.text("engine");
            parity.end();
        }
        fields.end();
    }
}
