package org.movistream.core;

/** The last values of something, for a chart; the oldest is overwritten. */
public final class History {
    private final float[] values;
    private int count;

    public History(int capacity) {
        values = new float[capacity];
    }

    public synchronized void add(float value) {
        values[count++ % values.length] = value;
    }

    /** Copies the values, oldest first; returns how many there are. */
    public synchronized int copyTo(float[] into) {
        int length = Math.min(Math.min(count, values.length), into.length);
        for (int index = 0; index < length; index++) {
            into[index] = values[(count - length + index) % values.length];
        }
        return length;
    }

    public synchronized void clear() {
        count = 0;
    }
}
