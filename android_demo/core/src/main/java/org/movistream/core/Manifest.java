package org.movistream.core;

import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All that is said about a model file, as {@code docs/manifest.md} describes it field by field.
 *
 * <p>Strict: unknown fields, other versions and values out of range are refused.
 */
public final class Manifest {
    static final int MOST_FRAMES = 1 << 16;
    private static final double MODERATE = Fields.MODERATE;
    static final double MOST_FRAMES_PER_SECOND = 1000;
    static final double LEAST_DEVIATION = 1e-6;
    static final double SMALLEST_SCALE = 1e-15;
    static final double LARGEST_SCALE = 1e15;
    static final int NEWEST_VERSION = 3;
    static final double MOST_MOMENT_S = 3600;
    static final String SIGNATURE_KEY = "serving_default";
    static final String FIT = "center_crop";
    static final String RESIZE = "bilinear";
    static final ElementType[] ELEMENT_TYPES = {
        ElementType.FLOAT32, ElementType.FLOAT16, ElementType.INT8, ElementType.UINT8,
        ElementType.INT16, ElementType.INT32, ElementType.INT64
    };

    /** How a file carries states from step to step. */
    public enum StateLayout {
        /** A tensor for each frame. */
        FRAMES("frames"),
        /** As the published files. */
        MODEL_GARDEN("model-garden"),
        /** Of a file without a manifest. */
        FOREIGN("foreign");

        private final String text;

        StateLayout(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** What a state is for. */
    public enum Role {
        /** Past frames of activations. */
        BUFFER("buffer"),
        /** A running mean or sum. */
        POOL("pool"),
        /** What a mean has lost to rounding. */
        REMAINDER("remainder"),
        /** The count of frames that a mean divides by. */
        CLOCK("clock"),
        /** The count that a positional encoding takes. */
        POSITION("position");

        private final String text;

        Role(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** How a state goes on after a step. */
    public enum Advance {
        /** The output becomes the one input. */
        REPLACE("replace"),
        /** The oldest input is dropped, and the output becomes the newest. */
        SHIFT("shift"),
        /** The input never changes. */
        KEEP("keep");

        private final String text;

        Advance(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** What makes scores of logits. */
    public enum Activation {
        /** One class is right. */
        SOFTMAX("softmax"),
        /** Of each logit by itself: several classes may be at once, or none. */
        SIGMOID("sigmoid");

        private final String text;

        Activation(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** Of this description: 1 to 3. */
    public final int schemaVersion;
    /** Of the network. */
    public final String name;
    /** Key of the signature that all tensor names refer to. */
    public final String signature;
    public final StateLayout stateLayout;
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
    /** When something counts as seen, unless a user says otherwise; null if nobody chose that. */
    public final @Nullable EventDefaults events;
    /** The lowest version that can say what it says. */
    final int neededVersion;
    /** SHA-256 of the file with these 64 digits set to 0, in hexadecimal. */
    public final String digest;

    private Manifest(Fields fields) throws ModelException {
        schemaVersion = fields.has("schema_version")
                ? (int) fields.whole("schema_version", 1, NEWEST_VERSION) : 1;
        name = fields.name("name");
        signature = fields.has("signature") ? fields.name("signature") : SIGNATURE_KEY;
        stateLayout = fields.has("state_layout")
                ? fields.oneOf("state_layout", StateLayout.values())
                : StateLayout.FRAMES;
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
        events = fields.isGiven("events")
                ? new EventDefaults(new Fields(fields.value("events"), "events")) : null;
        boolean needsVersion3 = logits.activation != Activation.SOFTMAX || events != null;
        if (fields.has("network")) {
            checkNetwork(fields.map("network"));
        }
        if (fields.isGiven("provenance")) {
            needsVersion3 |= checkProvenance(
                    new Fields(fields.value("provenance"), "provenance"));
        }
        neededVersion = needsVersion3 ? 3 : late || input.needsVersion2 ? 2 : 1;
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
        final int[] shape;
        /** float32 or int8. */
        public final ElementType dtype;
        /** Whether an order of colours is told, red, green, blue: of three channels, and no others. */
        final boolean hasColorOrder;
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
            dtype = fields.oneOf("dtype", ELEMENT_TYPES);
            hasColorOrder = !fields.has("color_order") || fields.isGiven("color_order");
            if (fields.isGiven("color_order")) {
                fields.oneOf("color_order", "RGB");
            }
            double[] range = fields.has("value_range") ? fields.moderatePair("value_range")
                    : new double[] {0, 1};
            low = range[0];
            high = range[1];
            if (fields.has("fit")) {
                fields.oneOf("fit", FIT);
            }
            if (fields.has("resize")) {
                fields.oneOf("resize", RESIZE);
            }
            framesPerSecond = fields.isGiven("frames_per_second")
                    ? fields.number("frames_per_second", Double.MIN_VALUE,
                            MOST_FRAMES_PER_SECOND) : 0;
            mean = fields.has("mean") ? fields.numbers("mean", -MODERATE, MODERATE) : null;
            std = fields.has("std") ? fields.numbers("std", LEAST_DEVIATION, MODERATE) : null;
            scale = fields.has("scale") ? fields.number("scale", SMALLEST_SCALE, LARGEST_SCALE) : 0;
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
        public final ElementType dtype;
        /** A logit is (stored − zeroPoint) · scale. */
        public final double scale;
        public final int zeroPoint;
        /** What makes scores of logits. */
        public final Activation activation;

        private Logits(Fields fields) throws ModelException {
            tensor = fields.name("tensor");
            classes = (int) fields.whole("classes", 1, Integer.MAX_VALUE);
            dtype = fields.oneOf("dtype", ELEMENT_TYPES);
            scale = fields.has("scale") ? fields.moderate("scale") : 1;
            zeroPoint = fields.has("zero_point")
                    ? (int) fields.whole("zero_point", Integer.MIN_VALUE, Integer.MAX_VALUE) : 0;
            activation = fields.has("activation")
                    ? fields.oneOf("activation", Activation.values()) : Activation.SOFTMAX;
            fields.end();
        }
    }

    /** When something counts as seen, as it was chosen on validation videos. */
    public static final class EventDefaults {
        /** Of each class, the score at which an event begins, in (0, 1]. */
        final double[] enter;
        /** Of each class, the score below which it ends, not above that. */
        final double[] leave;
        /** Shorter events are not reported, in seconds. */
        public final double shortestS;
        /** See {@link Scorer}. */
        public final double smoothingS;

        private EventDefaults(Fields fields) throws ModelException {
            enter = fields.numbers("enter", Double.MIN_VALUE, 1);
            leave = fields.numbers("leave", 0, 1);
            shortestS = fields.number("shortest_s", 0, MOST_MOMENT_S);
            smoothingS = fields.number("smoothing_s", 0, MOST_MOMENT_S);
            fields.end();
        }
    }

    /** Something that is carried from one step to the next. */
    public static final class State {
        /** Unique in the file. */
        public final String name;
        public final Role role;
        /** The tensors that hold it before a step, oldest frame first. */
        public final List<String> inputs;
        /** The tensor that the step returns. */
        public final String output;
        public final Advance advance;
        /** Of each of these tensors. */
        final int[] shape;
        public final ElementType dtype;
        /** The value of every element after a reset, as stored. */
        public final double initial;
        /** It stays as after a reset until so many frames have been seen. */
        public final int delayFrames;

        private State(Fields fields) throws ModelException {
            name = fields.name("name");
            role = fields.oneOf("role", Role.values());
            inputs = Collections.unmodifiableList(fields.names("inputs"));
            if (inputs.isEmpty()) {
                throw Fields.unusable("the state '" + name + "' has no inputs");
            }
            output = fields.name("output");
            advance = fields.oneOf("advance", Advance.values());
            shape = fields.shape("shape");
            dtype = fields.oneOf("dtype", ELEMENT_TYPES);
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

    /** Returns whether it says what only manifests of version 3 say. */
    private static boolean checkProvenance(Fields fields) throws ModelException {
        boolean knowsProgram = false;
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
            knowsProgram = parity.has("source_program");
            if (knowsProgram) {
                checkProgram(new Fields(parity.value("source_program"),
                        "provenance.verification.source_program"));
            }
            parity.end();
        }
        fields.end();
        return knowsProgram;
    }

    private static void checkProgram(Fields fields) throws ModelException {
        fields.text("runner");
        fields.whole("frames", 0, Integer.MAX_VALUE);
        fields.number("max_logit_error", -Double.MAX_VALUE, Double.MAX_VALUE);
        if (fields.has("not_run")) {
            fields.text("not_run");
        }
        fields.end();
    }
}
