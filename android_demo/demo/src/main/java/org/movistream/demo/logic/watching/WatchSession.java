package org.movistream.demo.logic.watching;

import java.util.List;
import org.movistream.core.EngineException;
import org.movistream.core.Event;

/**
 * A model at work on one stream, with its engine; belongs to the inference thread.
 *
 * @param <F> frames.
 */
public interface WatchSession<F> {
    /** Whether the frame of a stamp, in seconds on the camera's clock, is to be looked at. */
    boolean isDue(double stampS);

    /** Looks at the frame that was last asked about; the answers are about it until the next. */
    void look(F frame) throws EngineException;

    /** Of the frames that the network was trained on; 0 if unknown. */
    double framesPerSecond();

    /** Looks at a frame of a recording, by its time since the recording's start. */
    void lookAtRecorded(F frame, double timeS) throws EngineException;

    /** Whether several classes may be at once, or none. */
    boolean seesSeveral();

    /** How many classes there are to show; the ranks of the next three are below that. */
    int count();

    String label(int rank);

    /** In [0, 1]. */
    float score(int rank);

    boolean isGoingOn(int rank);

    /** What preprocessing and the step took. */
    double stepMs();

    /** Events that ended with the last frame; mostly none. */
    List<Event> ended();

    /** Ends what is going on; returns it. */
    List<Event> finish();

    /** Begins a new stream; {@link #finish} comes before. */
    void reset() throws EngineException;

    /** Frees stream and engine; nothing may be called afterwards. */
    void close();
}
