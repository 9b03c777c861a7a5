// Small drawings on canvases, in the colours of the page.

const CURVES = ["#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#14b8a6", "#ec4899", "#84cc16"];
const TIMELINE_S = 120;

function prepared(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth || canvas.width;
  const height = Math.round((width * canvas.getAttribute("height")) / canvas.getAttribute("width"));
  if (canvas.dataset.size !== `${width}x${ratio}`) {
    canvas.dataset.size = `${width}x${ratio}`;
    if (!canvas.dataset.shape) canvas.dataset.shape = `${canvas.width}/${canvas.height}`;
    canvas.style.aspectRatio = canvas.dataset.shape;
  }
  const [w, h] = canvas.dataset.shape.split("/").map(Number);
  const pixels = Math.round((width * h) / w);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(pixels * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  context.font = "12px system-ui, sans-serif";
  return { context, width, height: pixels || height, color };
}

// Scores of the last minutes; returns [label, colour] of what is drawn.
export function drawTimeline(canvas, points, events) {
  const { context, width, height, color } = prepared(canvas);
  const left = 26, right = 4, top = 6, bottom = 18;
  const end = points.length ? points[points.length - 1].time_s : 0;
  const begin = Math.max(0, end - TIMELINE_S);
  const span = Math.max(end - begin, 5);
  const x = (time) => left + ((time - begin) / span) * (width - left - right);
  const y = (score) => top + (1 - score) * (height - top - bottom);
  context.strokeStyle = color("line");
  context.fillStyle = color("faint");
  context.lineWidth = 1;
  for (const score of [0, 0.5, 1]) {
    context.beginPath();
    context.moveTo(left, y(score));
    context.lineTo(width - right, y(score));
    context.stroke();
    context.fillText(score.toString(), 2, y(score) + 4);
  }
  const step = [1, 2, 5, 10, 20, 30].find((seconds) => span / seconds <= 8) || 60;
  for (let time = Math.ceil(begin / step) * step; time <= begin + span; time += step) {
    const text = `${time} s`;
    const wide = context.measureText(text).width;
    context.fillText(text, Math.max(left, Math.min(width - wide - 1, x(time) - wide / 2)), height - 4);
  }
  const shown = points.filter((point) => point.time_s >= begin);
  const peaks = new Map();
  for (const point of shown)
    for (const entry of point.best) peaks.set(entry.label, Math.max(peaks.get(entry.label) || 0, entry.score));
  const labels = [...peaks].sort((a, b) => b[1] - a[1]).slice(0, CURVES.length).map(([label]) => label);
  const colors = new Map();
  const used = new Set();
  for (const label of [...labels].sort()) {
    let place = hash(label) % CURVES.length;
    while (used.has(place)) place = (place + 1) % CURVES.length;
    used.add(place);
    colors.set(label, CURVES[place]);
  }
  context.globalAlpha = 0.15;
  for (const event of events) {
    if (event.end_s < begin) continue;
    context.fillStyle = colors.get(event.label) || color("faint");
    const start = x(Math.max(begin, event.start_s));
    context.fillRect(start, top, Math.max(1, x(event.end_s) - start), height - top - bottom);
  }
  context.globalAlpha = 1;
  context.lineWidth = 1.8;
  for (const label of labels) {
    context.strokeStyle = colors.get(label);
    context.beginPath();
    let drawing = false;
    for (const point of shown) {
      const entry = point.best.find((one) => one.label === label);
      if (!entry) { drawing = false; continue; }
      if (drawing) context.lineTo(x(point.time_s), y(entry.score));
      else context.moveTo(x(point.time_s), y(entry.score));
      drawing = true;
    }
    context.stroke();
  }
  return labels.map((label) => [label, colors.get(label)]);
}

export function drawHistogram(canvas, latencies) {
  const { context, width, height, color } = prepared(canvas);
  const { limits_ms: limits, counts } = latencies;
  const most = Math.max(1, ...counts);
  const bottom = 18, top = 14, each = width / counts.length;
  counts.forEach((count, place) => {
    const tall = (count / most) * (height - top - bottom);
    context.fillStyle = color("accent");
    context.fillRect(place * each + 1, height - bottom - tall, each - 2, tall);
    context.fillStyle = color("faint");
    const text = place < limits.length ? `${limits[place]}` : "more";
    if (each >= 26 || place % 2 === 0) context.fillText(text, place * each + 2, height - 4);
  });
  context.fillText("milliseconds, at most", width - context.measureText("milliseconds, at most").width - 2, 10);
}

export function drawSpark(canvas, values) {
  const { context, width, height, color } = prepared(canvas);
  if (values.length < 2) return;
  const most = Math.max(...values) * 1.1;
  context.strokeStyle = color("accent");
  context.lineWidth = 1.5;
  context.beginPath();
  values.forEach((value, place) => {
    const px = (place / (values.length - 1)) * (width - 2) + 1;
    const py = height - 2 - (value / most) * (height - 4);
    if (place) context.lineTo(px, py);
    else context.moveTo(px, py);
  });
  context.stroke();
}

function hash(text) {
  let value = 0;
  for (const letter of text) value = (value * 31 + letter.codePointAt(0)) >>> 0;
  return value;
}
