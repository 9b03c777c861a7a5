package org.movistream.demo.logic.watching;

import java.io.IOException;
import org.movistream.core.EngineException;

/**
 * A video, whose frames come as fast as they are looked at.
 *
 * @param <F> frames.
 */
public interface Recording<F> {
    /** Looks at frames. */
    interface Taker<F> {
        /** @param timeS since the video's start. */
        void take(F frame, double timeS) throws EngineException;
    }

    /**
     * Shows what a network is to see, to the end or until it is stopped; once.
     *
     * @param framesPerSecond that the network was trained on; 0 for all frames.
     * @throws IOException if it cannot be read or decoded; the message says why.
     */
    void show(double framesPerSecond, Taker<F> taker) throws IOException, EngineException;

    /** Ends {@link #show} after the frame that it is at; any thread may ask, also beforehand. */
    void stop();
}
