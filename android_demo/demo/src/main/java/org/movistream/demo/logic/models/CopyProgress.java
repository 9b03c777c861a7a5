package org.movistream.demo.logic.models;

/** Is asked while a model is copied, on the thread that copies. */
public interface CopyProgress {
    /**
     * So much is copied.
     *
     * @param totalBytes what the document says; -1 if it does not.
     * @return whether to go on.
     */
    boolean onCopied(long doneBytes, long totalBytes);
}
