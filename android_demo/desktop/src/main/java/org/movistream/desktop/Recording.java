package org.movistream.desktop;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.movistream.core.EngineException;
import org.movistream.core.RecordingPacer;
import org.movistream.core.StreamClock;
import org.movistream.core.Watch;
import org.movistream.core.YuvFrame;

/** A recording's way through a watch: the frames that are nearest to the model's rate. */
final class Recording {
    private final Watch watch;
    private final ResultLines lines;
    private final double sourceRate;
    private final BufferedReader times;
    private final StreamClock clock;
    /** Numbers of the frames that were looked at. */
    private final List<Long> looked = new ArrayList<>();
    private double lookedS;

    /**
     * @param sourceRate frames per second of the source.
     * @param times a line per frame, in seconds; null for times that follow from the rate.
     */
    Recording(Watch watch, ResultLines lines, double sourceRate, BufferedReader times) {
        this.watch = watch;
        this.lines = lines;
        this.sourceRate = sourceRate;
        this.times = times;
        clock = new StreamClock(1 / sourceRate);
    }

    /** @param rate that the network sees; 0 for all frames. */
    void run(RawFrames frames, double rate) throws IOException, EngineException {
        RecordingPacer pacer = new RecordingPacer(rate);
        lines.start(rate > 0 ? Math.min(rate, sourceRate) : sourceRate);
        double beforeS = 0;
        long count = 0;
        while (frames.next()) {
            double timeS = clock.at(timeOf(count));
            if (pacer.next(timeS)) {
                look(frames.before(), count - 1, beforeS);
            }
            beforeS = timeS;
            count++;
        }
        if (count == 0) {
            throw new IOException("there is no frame");
        }
        if (pacer.end()) {
            look(frames.last(), count - 1, beforeS);
        }
        lines.end(watch, looked.size());
    }

    private double timeOf(long number) throws IOException {
        if (times == null) {
            return number / sourceRate;
        }
        String line = times.readLine();
        if (line == null) {
            throw new IOException("there are fewer times than frames: " + number);
        }
        return Double.parseDouble(line);
    }

    private void look(YuvFrame frame, long number, double timeS) throws EngineException {
        watch.see(frame, timeS);
        looked.add(number);
        long answered = looked.get(looked.size() - 1 - watch.answersFramesBack());
        lines.seen(watch, answered, timeS, timeS - lookedS);
        lookedS = timeS;
    }
}
