package org.movistream.demo.logic.drawing;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.Test;

/** Nothing is drawn outside, no texts cover each other, and colours can be told apart. */
public final class DrawingsTest {
    private static final String LONG =
            "a label that is far too long for any phone that anybody has ever built";

    /** Keeps what is drawn; a character is half as wide as high. */
    private static final class Recorder implements Brush {
        private final float width;
        private final float height;
        final List<float[]> texts = new ArrayList<>();
        final List<String> words = new ArrayList<>();
        final List<float[]> boxes = new ArrayList<>();
        final List<float[]> lines = new ArrayList<>();

        Recorder(float width, float height) {
            this.width = width;
            this.height = height;
        }

        private void inside(float left, float top, float right, float bottom) {
            assertTrue(left + " to " + right + " of " + width,
                    left >= -0.01 && left <= right && right <= width + 0.01);
            assertTrue(top + " to " + bottom + " of " + height,
                    top >= -0.01 && top <= bottom && bottom <= height + 0.01);
        }

        @Override
        public void box(float left, float top, float right, float bottom, float radius,
                Tint tint) {
            inside(left, top, right, bottom);
            boxes.add(new float[] {left, top, right, bottom, tint.ordinal()});
        }

        @Override
        public void text(String text, float left, float baseline, float size, boolean bold,
                Tint tint) {
            float[] place = {left, baseline - size, left + textWidth(text, size, bold),
                baseline + size * 0.25f};
            inside(place[0], place[1], place[2], place[3]);
            for (float[] other : texts) {
                boolean apart = place[0] >= other[2] || place[2] <= other[0]
                        || place[1] >= other[3] || place[3] <= other[1];
                assertTrue(text + " covers another text", apart);
            }
            texts.add(place);
            words.add(text);
        }

        @Override
        public void line(float[] points, int numbers, float stroke, Tint tint) {
            for (int index = 0; index < numbers; index += 2) {
                inside(points[index], points[index + 1], points[index], points[index + 1]);
            }
            float[] copy = new float[numbers];
            System.arraycopy(points, 0, copy, 0, numbers);
            lines.add(copy);
        }

        @Override
        public float textWidth(String text, float size, boolean bold) {
            return text.length() * size * (bold ? 0.55f : 0.5f);
        }
    }

    private static final float[] WIDTHS = {200, 360, 600, 840};
    private static final float[] SCALES = {0.85f, 1, 1.3f, 2};

    @Test
    public void barsStayInsideAndApart() {
        for (float width : WIDTHS) {
            for (float scale : SCALES) {
                for (boolean turned : new boolean[] {false, true}) {
                    BarsDrawing bars = new BarsDrawing(new Frame(width, 1, 16 * scale, turned));
                    Recorder brush = new Recorder(width, bars.height(3));
                    float[] scores = {1, 0.5f, 0};
                    for (int rank = 0; rank < 3; rank++) {
                        bars.row(brush, rank, LONG, scores[rank], "100 %", rank == 0);
                    }
                    assertEquals(6, brush.texts.size());
                    if (width < 400) {
                        assertTrue(brush.words.get(0).endsWith("…"));
                    }
                    new BarsDrawing(new Frame(width, 1, 16 * scale, turned))
                            .empty(new Recorder(width, bars.height(1)), LONG);
                }
            }
        }
    }

    @Test
    public void severalBarsMayBeFullAtOnce() {
        BarsDrawing bars = new BarsDrawing(new Frame(400, 1, 16, false));
        Recorder brush = new Recorder(400, bars.height(3));
        float[] scores = {0.97f, 1, 0.62f};
        for (int rank = 0; rank < 3; rank++) {
            bars.row(brush, rank, "label", scores[rank], "97 %", rank < 2);
        }
        int found = 0;
        for (float[] box : brush.boxes) {
            if (box[4] == Tint.BAR.ordinal() && box[2] > 100) {
                assertEquals("each by its own score", 400 * scores[found++], box[2], 0.01);
            }
        }
        assertEquals(3, found);
        assertEquals("three bars, their grounds, two dots", 8, brush.boxes.size());
    }

    @Test
    public void rightToLeftIsTheMirrorImage() {
        Recorder plain = new Recorder(400, 200);
        Recorder turned = new Recorder(400, 200);
        new BarsDrawing(new Frame(400, 1, 16, false)).row(plain, 0, "label", 0.25f, "25 %", true);
        new BarsDrawing(new Frame(400, 1, 16, true)).row(turned, 0, "label", 0.25f, "25 %", true);
        for (int index = 0; index < plain.texts.size(); index++) {
            assertEquals(400 - plain.texts.get(index)[2], turned.texts.get(index)[0], 0.01);
        }
        for (int index = 0; index < plain.boxes.size(); index++) {
            assertEquals(400 - plain.boxes.get(index)[2], turned.boxes.get(index)[0], 0.01);
        }
    }

    @Test
    public void aBarIsAsLongAsItsScore() {
        for (float score : new float[] {0.1f, 0.5f, 1, 7, Float.NaN}) {
            Recorder brush = new Recorder(400, 200);
            new BarsDrawing(new Frame(400, 1, 16, false)).row(brush, 0, "x", score, "", false);
            if (score == score) {
                assertEquals(400 * Math.min(1, score), brush.boxes.get(1)[2], 0.01);
            } else {
                assertEquals(1, brush.boxes.size());
            }
        }
    }

    @Test
    public void chartsStayInsideAndApart() {
        float[] values = new float[300];
        for (int index = 0; index < 300; index++) {
            values[index] = index * index;
        }
        values[7] = Float.NaN;
        values[8] = -5;
        for (float width : WIDTHS) {
            for (float scale : SCALES) {
                for (boolean turned : new boolean[] {false, true}) {
                    ChartDrawing chart =
                            new ChartDrawing(new Frame(width, 1, 14 * scale, turned), 300);
                    Recorder brush = new Recorder(width, chart.height());
                    chart.panel(brush, 0, values, 300, "step 123456.7 ms", "up to 200000 ms",
                            Tint.BAR);
                    chart.panel(brush, 1, values, 2, LONG, "up to 5 MB", Tint.MEMORY);
                    assertEquals(6, brush.lines.size());
                    assertEquals(600, brush.lines.get(2).length);
                }
            }
        }
    }

    @Test
    public void timeGoesToTheRightInEveryLanguage() {
        ChartDrawing chart = new ChartDrawing(new Frame(840, 1, 14, true), 300);
        Recorder brush = new Recorder(840, chart.height());
        chart.panel(brush, 0, new float[] {1, 2, 1}, 3, "a", "b", Tint.BAR);
        float[] curve = brush.lines.get(2);
        assertTrue(curve[0] < curve[2] && curve[2] < curve[4]);
        assertTrue("the first is on the right", curve[0] > 420);
    }

    @Test
    public void scalesEndAtRoundNumbers() {
        float[][] cases = {{0.03f, 0.05f}, {1, 1}, {1.01f, 2}, {2.5f, 5}, {7, 10}, {162, 200},
            {0, 1}, {Float.NaN, 1}, {Float.POSITIVE_INFINITY, 1}};
        for (float[] each : cases) {
            assertEquals(each[1], ChartDrawing.scaleEnd(new float[] {each[0]}, 1), 1e-6);
        }
    }

    @Test
    public void whatIsSeenIsToldWhenItChangesAndNotTooOften() {
        Announcer announcer = new Announcer();
        assertFalse(announcer.isDue("", 0));
        assertTrue(announcer.isDue("pan", 0));
        assertFalse("said already", announcer.isDue("pan", 10_000));
        assertTrue(announcer.isDue("zoom", 10_000));
        assertFalse("still speaking", announcer.isDue("pan", 10_000 + Announcer.LEAST_MS - 1));
        assertTrue(announcer.isDue("pan", 10_000 + Announcer.LEAST_MS));
        assertFalse("nothing", announcer.isDue("", 20_000));
        assertTrue("again", announcer.isDue("pan", 20_001));
        assertFalse("nothing, while it speaks", announcer.isDue("", 20_002));
        assertFalse("still speaking", announcer.isDue("pan", 20_003));
    }

    private static double luminance(int color) {
        double sum = 0;
        double[] weights = {0.2126, 0.7152, 0.0722};
        for (int channel = 0; channel < 3; channel++) {
            double value = (color >> (16 - 8 * channel) & 255) / 255.0;
            double linear = value <= 0.04045 ? value / 12.92
                    : Math.pow((value + 0.055) / 1.055, 2.4);
            sum += weights[channel] * linear;
        }
        return sum;
    }

    private static double contrast(Palette palette, Tint one, Tint other) {
        double a = luminance(palette.color(one));
        double b = luminance(palette.color(other));
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }

    @Test
    public void textsAndBarsStandOut() {
        for (Palette palette : Palette.values()) {
            for (Tint text : new Tint[] {Tint.TEXT, Tint.FAINT_TEXT, Tint.BAR, Tint.MEMORY}) {
                double found = contrast(palette, text, Tint.BACKGROUND);
                assertTrue(palette + " " + text + " " + found, found >= 4.5);
            }
            assertTrue(contrast(palette, Tint.BAR, Tint.BAR_BACKGROUND) >= 3);
        }
    }

    @Test
    public void theAppsResourcesHaveTheSameColours() throws IOException {
        compare(Palette.LIGHT, "values");
        compare(Palette.DARK, "values-night");
    }

    private static void compare(Palette palette, String folder) throws IOException {
        File file = new File(System.getProperty("movistream.app"), "res/" + folder
                + "/colors.xml");
        String xml = new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8);
        Tint[] shared = {Tint.BACKGROUND, Tint.TEXT, Tint.FAINT_TEXT, Tint.BAR};
        for (Tint tint : shared) {
            String name = tint.name().toLowerCase(Locale.ROOT);
            Matcher found = Pattern.compile("name=\"" + name + "\">#([0-9A-F]{6})<").matcher(xml);
            assertTrue(folder + " has no " + name, found.find());
            assertEquals(name, palette.color(tint) & 0xFFFFFF,
                    Integer.parseInt(found.group(1), 16));
        }
    }
}
