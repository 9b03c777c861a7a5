package org.movistream.demo.logic.drawing;

/** Draws; all lengths are in pixels, from the upper left corner. */
public interface Brush {
    /** @param radius of its corners. */
    void box(float left, float top, float right, float bottom, float radius, Tint tint);

    /** Draws a text to the right of a place, whichever way it is written. */
    void text(String text, float left, float baseline, float size, boolean bold, Tint tint);

    /** Draws a line through points: x and y in turns, so many numbers. */
    void line(float[] points, int numbers, float width, Tint tint);

    float textWidth(String text, float size, boolean bold);
}
