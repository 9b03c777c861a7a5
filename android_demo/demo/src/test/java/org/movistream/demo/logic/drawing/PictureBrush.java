package org.movistream.demo.logic.drawing;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.GeneralPath;
import java.awt.geom.RoundRectangle2D;
import java.awt.image.BufferedImage;

/** Draws on a picture, with the JDK. */
final class PictureBrush implements Brush {
    final BufferedImage image;
    private final Graphics2D graphics;
    private final Palette palette;

    PictureBrush(int width, int height, Palette palette) {
        this.palette = palette;
        image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        graphics = image.createGraphics();
        graphics.setRenderingHint(
                RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING,
                RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_FRACTIONALMETRICS,
                RenderingHints.VALUE_FRACTIONALMETRICS_ON);
        color(Tint.BACKGROUND);
        graphics.fillRect(0, 0, width, height);
    }

    /** Draws from another corner. */
    void move(float right, float down) {
        graphics.translate(right, down);
    }

    private void color(Tint tint) {
        graphics.setColor(new Color(palette.color(tint), true));
    }

    private Font font(float size, boolean bold) {
        return new Font(Font.SANS_SERIF, bold ? Font.BOLD : Font.PLAIN, 1).deriveFont(size);
    }

    @Override
    public void box(float left, float top, float right, float bottom, float radius, Tint tint) {
        color(tint);
        graphics.fill(new RoundRectangle2D.Float(
                left, top, right - left, bottom - top, 2 * radius, 2 * radius));
    }

    @Override
    public void text(String text, float left, float baseline, float size, boolean bold,
            Tint tint) {
        color(tint);
        graphics.setFont(font(size, bold));
        graphics.drawString(text, left, baseline);
    }

    @Override
    public void line(float[] points, int numbers, float width, Tint tint) {
        color(tint);
        graphics.setStroke(new BasicStroke(
                width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
        GeneralPath path = new GeneralPath();
        path.moveTo(points[0], points[1]);
        for (int index = 2; index < numbers; index += 2) {
            path.lineTo(points[index], points[index + 1]);
        }
        graphics.draw(path);
    }

    @Override
    public float textWidth(String text, float size, boolean bold) {
        return (float) graphics.getFontMetrics(font(size, bold))
                .getStringBounds(text, graphics).getWidth();
    }
}
