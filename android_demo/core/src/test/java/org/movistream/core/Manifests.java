package org.movistream.core;

import java.nio.charset.StandardCharsets;

/** Small manifests to test with. */
final class Manifests {
    private Manifests() {}

    static Manifest ofClasses(int classes) throws ModelException {
        return of(classes, "float32", "[0,1]", "");
    }

    /** As the others, of a model that answers late: its states begin so many frames later. */
    static Manifest late(int buffer, int mean, int clock, int delay, int warmUp)
            throws ModelException {
        String more = ",'delay_frames':" + delay + ",'warm_up_frames':" + warmUp;
        String json = json(4, "'shape':[1,4,6,3],'dtype':'float32','value_range':[0,1]", more)
                .replace("'name':'b',", "'name':'b','delay_frames':" + buffer + ",")
                .replace("'name':'m',", "'name':'m','delay_frames':" + mean + ",")
                .replace("'name':'c',", "'name':'c','delay_frames':" + clock + ",");
        return parse(json);
    }

    /**
     * As the last, of four classes of which one is right, or several may be at once.
     *
     * @param activation "softmax" or "sigmoid".
     * @param events JSON of what is said of events, or "null".
     */
    static Manifest watched(int delay, int warmUp, String activation, String events)
            throws ModelException {
        String json = json(4, "'shape':[1,4,6,3],'dtype':'float32','value_range':[0,1]",
                ",'schema_version':3,'delay_frames':" + delay + ",'warm_up_frames':" + warmUp
                        + ",'events':" + events);
        return parse(json.replace("'classes':4,", "'classes':4,'activation':'" + activation
                + "',"));
    }

    /** Of an image, in version 2. */
    static Manifest ofImage(String image) throws ModelException {
        return parse(json(1, image, ",'schema_version':2"));
    }

    /** A 4 by 6 image, a buffer of three past frames, a mean and a clock. */
    static Manifest of(int classes, String imageType, String range, String more)
            throws ModelException {
        return parse(json(classes, "'shape':[1,4,6,3],'dtype':'" + imageType + "','value_range':"
                + range, more));
    }

    private static String json(int classes, String image, String more) {
        return "{'name':'tiny','input':{'tensor':'image'," + image
                + "},'logits':{'tensor':'logits','classes':" + classes
                + ",'dtype':'float32'},'states':["
                + "{'name':'b','role':'buffer','inputs':['b0','b1','b2'],'output':'b',"
                + "'advance':'shift','shape':[1,1],'dtype':'int8','initial':-7},"
                + "{'name':'m','role':'pool','inputs':['m'],'output':'m','advance':'replace',"
                + "'shape':[1,1],'dtype':'float32'},"
                + "{'name':'c','role':'clock','inputs':['clock'],'output':'clock',"
                + "'advance':'replace','shape':[1,1],'dtype':'float32'}]" + more + "}";
    }

    private static Manifest parse(String json) throws ModelException {
        return Manifest.parse(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }
}
