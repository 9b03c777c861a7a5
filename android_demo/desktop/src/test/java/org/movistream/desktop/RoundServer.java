package org.movistream.desktop;

import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.movistream.core.JsonWriter;
import org.movistream.core.ModelDescription;
import org.movistream.core.Preprocessor;
import org.movistream.core.Stream;
import org.movistream.core.YuvFrame;

/**
 * Times steps when it is told to, so that another program can take turns with it.
 *
 * <p>Arguments: the model, and how many frames a round has. Each line on standard input is
 * answered by a JSON list of a round's inference times in milliseconds.
 */
public final class RoundServer {
    private RoundServer() {}

    public static void main(String[] arguments) throws Exception {
        ModelDescription model = ModelDescription.read(new File(arguments[0]));
        int frames = Integer.parseInt(arguments[1]);
        Stream stream = new Stream(Expectations.open(model), model.manifest, 0);
        Preprocessor preprocessor = new Preprocessor(model.manifest.input);
        Map<?, ?> layout = (Map<?, ?>) Expectations.cases().get("stream");
        ByteBuffer source = Expectations.bytes("stream.yuv");
        YuvFrame[] pictures = new YuvFrame[Expectations.number(layout, "frames")];
        for (int index = 0; index < pictures.length; index++) {
            pictures[index] = Expectations.next(source, layout);
        }
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        while (lines.readLine() != null) {
            List<Object> timesMs = new ArrayList<>();
            stream.reset();
            for (int frame = 0; frame < frames; frame++) {
                Object image = preprocessor.prepare(pictures[frame % pictures.length]);
                long start = System.nanoTime();
                stream.step(image);
                timesMs.add((System.nanoTime() - start) / 1e6);
            }
            System.out.println(JsonWriter.write(timesMs));
        }
    }
}
