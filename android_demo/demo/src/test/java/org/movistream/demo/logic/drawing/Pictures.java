package org.movistream.demo.logic.drawing;

import java.io.File;
import java.io.IOException;
import javax.imageio.ImageIO;

/** Writes bars and charts as PNGs, to be looked at: {@code Pictures FOLDER}. */
public final class Pictures {
    private static final float DENSITY = 2;
    private static final int MARGIN_DP = 16;

    private static final String[] LABELS = {"pan right", "zoom in", "tilt up"};
    private static final String[] ARABIC = {"تحريك لليمين", "تكبير", "إمالة لأعلى"};
    private static final String[] LONG = {
        "playing a stringed instrument that nobody has ever heard of before, in a park",
        "riding a bicycle", "washing hands"
    };

    /** What is seen: one class of several, or two of them at once. */
    private enum Seen {
        ONE(new float[] {0.94f, 0.05f, 0.004f}, 1, "94 %", "5 %", "0 %", "٩٤٪", "٥٪", "٠٪"),
        TWO(new float[] {0.97f, 1, 0.62f}, 2, "97 %", "100 %", "62 %", "٩٧٪", "١٠٠٪", "٦٢٪");

        private final float[] scores;
        private final int goingOn;
        private final String[] percents;

        Seen(float[] scores, int goingOn, String... percents) {
            this.scores = scores;
            this.goingOn = goingOn;
            this.percents = percents;
        }
    }

    private Pictures() {}

    public static void main(String[] arguments) throws IOException {
        File folder = new File(arguments[0]);
        folder.mkdirs();
        int count = 0;
        for (int widthDp : new int[] {360, 840}) {
            for (Palette palette : Palette.values()) {
                for (float scale : new float[] {1, 2}) {
                    for (boolean turned : new boolean[] {false, true}) {
                        String name = widthDp + "-" + palette.name().toLowerCase()
                                + (scale > 1 ? "-large" : "") + (turned ? "-rtl" : "");
                        String[] labels = turned ? ARABIC : scale > 1 ? LONG : LABELS;
                        for (Seen seen : Seen.values()) {
                            String several = seen == Seen.TWO ? "-several" : "";
                            draw(new File(folder, name + several + ".png"), widthDp, palette,
                                    scale, turned, labels, seen);
                            count++;
                        }
                    }
                }
            }
        }
        System.out.println(count + " pictures of bars and charts in " + folder);
    }

    private static void draw(File file, int widthDp, Palette palette, float scale,
            boolean turned, String[] labels, Seen seen) throws IOException {
        float width = (widthDp - 2 * MARGIN_DP) * DENSITY;
        BarsDrawing bars = new BarsDrawing(
                new Frame(width, DENSITY, 16 * DENSITY * scale, turned));
        ChartDrawing chart = new ChartDrawing(
                new Frame(width, DENSITY, 14 * DENSITY * scale, turned), 300);
        float between = MARGIN_DP * DENSITY;
        float all = 4 * between + 2 * bars.height(3) + chart.height();
        PictureBrush brush = new PictureBrush((int) (widthDp * DENSITY), (int) all, palette);
        brush.move(between, between);
        for (int rank = 0; rank < 3; rank++) {
            bars.row(brush, rank, labels[rank], seen.scores[rank],
                    seen.percents[turned ? rank + 3 : rank], rank < seen.goingOn);
        }
        brush.move(0, bars.height(3) + between);
        float[] latency = new float[300];
        float[] memory = new float[300];
        for (int index = 0; index < 300; index++) {
            latency[index] = 4 + 2 * (float) Math.sin(index * 0.7) * (float) Math.cos(index);
            memory[index] = 150 + index / 10f;
        }
        chart.panel(brush, 0, latency, 300, turned ? "خطوة ٤٫٢ مللي ثانية" : "step 4.2 ms",
                turned ? "حتى ١٠" : "up to 10 ms", Tint.BAR);
        chart.panel(brush, 1, memory, 120, turned ? "ذاكرة ١٦٢ ميغابايت" : "memory 162 MB",
                turned ? "حتى ٢٠٠" : "up to 200 MB", Tint.MEMORY);
        brush.move(0, chart.height() + between);
        bars.empty(brush, turned ? "لا شيء بعد" : "Nothing seen yet");
        ImageIO.write(brush.image, "png", file);
    }
}
