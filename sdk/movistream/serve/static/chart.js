// Small drawings on canvases, in the colours of the page. Each returns what it shows, in words, for
// those who do not see it.

import { classColor, classDash } from "./color.js";

const TIMELINE_S = 120;
const MOST_CURVES = 10;
const LETTER = 12;

function prepared(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  // In a box that is closed, it has no size.
  if (!width || !height) return null;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  context.font = `${LETTER}px system-ui, sans-serif`;
  context.fillStyle = color("faint");
  context.strokeStyle = color("line");
  return { context, width, height, color };
}

function line(context, ...points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.stroke();
}

// Scores of the last minutes; also says which classes are drawn, as { index, label }.
export function drawTimeline(canvas, points, events) {
  const found = prepared(canvas);
  if (!found) return null;
  const { context, width, height, color } = found;
  const left = 26, right = 6, top = LETTER + 12, bottom = 2 * LETTER + 10;
  const end = points.length ? points[points.length - 1].time_s : 0;
  const begin = Math.max(0, end - TIMELINE_S);
  const span = Math.max(end - begin, 5);
  const x = (time) => left + ((time - begin) / span) * (width - left - right);
  const y = (score) => top + (1 - score) * (height - top - bottom);
  context.fillText("score", 2, LETTER);
  for (const score of [0, 0.5, 1]) {
    line(context, [left, y(score)], [width - right, y(score)]);
    context.fillText(score.toString(), 2, y(score) + 4);
  }
  const step = [1, 2, 5, 10, 20, 30].find((seconds) => (span / seconds) * 44 <= width) || 60;
  for (let time = Math.ceil(begin / step) * step; time <= begin + span; time += step) {
    const text = `${time}`, wide = context.measureText(text).width;
    context.fillText(text, Math.max(left, Math.min(width - wide - 1, x(time) - wide / 2)), height - bottom + LETTER + 2);
  }
  const title = "time since the start, s";
  context.fillText(title, width - right - context.measureText(title).width, height - 4);
  const shown = points.filter((point) => point.time_s >= begin);
  const peaks = new Map();
  for (const point of shown)
    for (const entry of point.best) {
      const peak = peaks.get(entry.index);
      if (!peak || entry.score > peak.score) peaks.set(entry.index, entry);
    }
  const highest = [...peaks.values()].sort((a, b) => b.score - a.score).slice(0, MOST_CURVES);
  // So that none of them moves in the legend when another one comes higher.
  const classes = highest.sort((a, b) => a.index - b.index);
  context.globalAlpha = 0.15;
  for (const event of events) {
    if (event.end_s < begin) continue;
    context.fillStyle = classColor(event.index);
    const start = x(Math.max(begin, event.start_s));
    context.fillRect(start, top, Math.max(1, x(event.end_s) - start), height - top - bottom);
  }
  context.globalAlpha = 1;
  context.lineWidth = 1.8;
  for (const { index } of classes) {
    context.strokeStyle = context.fillStyle = classColor(index);
    context.setLineDash(classDash(index));
    let before = null;
    context.beginPath();
    for (const point of shown) {
      const entry = point.best.find((one) => one.index === index);
      if (entry && before) context.lineTo(x(point.time_s), y(entry.score));
      else if (entry) context.moveTo(x(point.time_s), y(entry.score));
      before = entry;
    }
    context.stroke();
    // One point alone has no curve.
    const last = shown.length ? shown[shown.length - 1].best.find((one) => one.index === index) : null;
    if (last) context.fillRect(x(end) - 2, y(last.score) - 2, 4, 4);
  }
  const now = shown.length ? shown[shown.length - 1].best : [];
  const said = now.map((entry) => `${entry.label} ${entry.score.toFixed(2)}`).join(", ") || "nothing yet";
  const during = events.filter((event) => event.end_s >= begin).length;
  const words = `Scores from 0 to 1 of the last ${Math.round(end - begin)} seconds. Now: ${said}. Events in this time: ${during}.`;
  return { classes: classes.map(({ index, label }) => ({ index, label })), words };
}

// How many steps took how long.
export function drawHistogram(canvas, latencies) {
  const found = prepared(canvas);
  if (!found) return null;
  const { context, width, height, color } = found;
  const { limits_ms: limits, counts } = latencies;
  const most = Math.max(1, ...counts);
  const left = Math.max(context.measureText(most).width, 8) + 6, top = LETTER + 12, bottom = 2 * LETTER + 10;
  const each = (width - left) / counts.length;
  context.fillText("steps", 2, LETTER);
  for (const count of [0, most]) {
    const at = top + (1 - count / most) * (height - top - bottom);
    line(context, [left, at], [width, at]);
    context.fillText(count, 2, at + 4);
  }
  const every = Math.ceil(34 / each);
  counts.forEach((count, place) => {
    const tall = (count / most) * (height - top - bottom);
    context.fillStyle = color("accent");
    context.fillRect(left + place * each + 1, height - bottom - tall, each - 2, tall);
    context.fillStyle = color("faint");
    const text = place < limits.length ? `${limits[place]}` : "more";
    if (place % every === 0) {
      const middle = left + (place + 0.5) * each - context.measureText(text).width / 2;
      context.fillText(text, Math.min(middle, width - context.measureText(text).width), height - bottom + LETTER + 2);
    }
  });
  const title = "time of a step, at most, ms";
  context.fillText(title, width - context.measureText(title).width - 2, height - 4);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const longest = counts.findLastIndex((count) => count > 0);
  const bound = longest < 0 ? "" : longest < limits.length ? `, none longer than ${limits[longest]} ms` : `, some longer than ${limits[limits.length - 1]} ms`;
  return `Times of ${total} steps: the last ones took ${latencies.median_ms.toFixed(1)} ms (median)${bound}.`;
}

// Megabytes of the server, one value each time that it was asked.
export function drawMemory(canvas, values) {
  const found = prepared(canvas);
  if (!found || !values.length) return null;
  const { context, width, height, color } = found;
  const most = Math.max(...values), left = context.measureText(most.toFixed(0)).width + 6;
  const y = (value) => LETTER / 2 + (1 - value / most) * (height - LETTER);
  for (const value of [0, most]) {
    line(context, [left, y(value)], [width, y(value)]);
    context.fillText(value.toFixed(0), 0, y(value) + 4);
  }
  context.strokeStyle = color("accent");
  context.lineWidth = 1.5;
  const across = (width - left) / Math.max(1, values.length - 1);
  line(context, ...values.map((value, place) => [left + place * across, y(value)]));
  return `Memory of the server: now ${values[values.length - 1].toFixed(0)} MB, at most ${most.toFixed(0)} MB while this page looked.`;
}
