package org.movistream.core;

import java.nio.charset.StandardCharsets;

/** Small manifests to test with. */
final class Manifests {
    private Manifests() {}

    static Manifest ofClasses(int classes) throws ModelException {
        return of(classes, "float32", "[0,1]", "");
    }

    /** Of an image, in version 2. */
    static Manifest ofImage(String image) throws ModelException {
        return of(1, image, ",'schema_version':2");
    }

    /** A 4 by 6 image, a buffer of three past frames, a mean and a clock. */
    static Manifest of(int classes, String imageType, String range, String more)
            throws ModelException {
        return of(classes, "'shape':[1,4,6,3],'dtype':'" + imageType + "','value_range':" + range,
                more);
    }

    private static Manifest of(int classes, String image, String more) throws ModelException {
        String json = "{'name':'tiny','input':{'tensor':'image'," + image
                + "},'logits':{'tensor':'logits','classes':" + classes
                + ",'dtype':'float32'},'states':["
                + "{'name':'b','role':'buffer','inputs':['b0','b1','b2'],'output':'b',"
                + "'advance':'shift','shape':[1,1],'dtype':'int8','initial':-7},"
                + "{'name':'m','role':'pool','inputs':['m'],'output':'m','advance':'replace',"
                + "'shape':[1,1],'dtype':'float32'},"
                + "{'name':'c','role':'clock','inputs':['clock'],'output':'clock',"
                + "'advance':'replace','shape':[1,1],'dtype':'float32'}]" + more + "}";
        return Manifest.parse(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }
}
