package org.movistream.demo.logic.engines;

/** What is left of the device's memory. */
public interface MemoryGauge {
    /** Whether the system considers itself short of it. */
    boolean isLow();

    long availableBytes();
}
