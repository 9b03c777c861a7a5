package org.movistream.demo.logic.watching;

/** What the status line can say; the app has words for each. */
public enum NoteKind {
    LOADING,
    LOW_MEMORY,
    /** The detail says what the engine or the checker said. */
    MODEL_FAILED,
    FILE_FAILED,
    GPU_MISSING,
    GPU_REFUSES,
    /** The number is the cosine. */
    GPU_DISAGREES,
    GPU_POSITIONS,
    GPU_MEANS,
    /** The number is the percentage; below 0 if it is unknown. */
    COPYING,
    /** The detail is the model's title. */
    COPIED,
    /** The detail is the words for what went wrong. */
    COPY_FAILED,
    /** The detail is the words for what went wrong. */
    VIDEO_FAILED,
    CAMERA
}
