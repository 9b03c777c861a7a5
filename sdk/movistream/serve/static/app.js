import { drawHistogram, drawMemory, drawTimeline } from "./chart.js";
import { classMark, paint } from "./color.js";

const STATUS_EVERY_MS = 2000;
const RETRY_MS = 1000;
const REQUEST_LIMIT_MS = 5000;
const KEPT_POINTS = 3000;
const KEPT_EVENTS = 200;
const SHOWN_LINES = 50;
const CAMERA_WIDTH = 480;
const REDRAW_MS = 250;
const WORDS_EVERY_MS = 2000;

const find = (selector, inside = document) => inside.querySelector(selector);
const cards = new Map();
const memory = [];
let model = null;
let uptime = 0;

class Refusal extends Error {}

async function ask(path, options = {}) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(REQUEST_LIMIT_MS), ...options });
  if (answer.status === 204) return null;
  const type = answer.headers.get("content-type") || "";
  const body = type.includes("json") ? await answer.json() : await answer.text();
  if (!answer.ok) throw new Refusal(body.detail || String(body).trim() || `status ${answer.status}`);
  return body;
}

function tell(text) {
  const message = find("#message");
  message.textContent = text;
  message.hidden = !text;
}

// What a chart shows, for those who do not see it; not so often that it could not be read out.
function describe(canvas, words) {
  const now = performance.now();
  if (words === null || now - Number(canvas.dataset.described || -WORDS_EVERY_MS) < WORDS_EVERY_MS) return;
  canvas.dataset.described = now;
  canvas.setAttribute("aria-label", words);
}

class Card {
  constructor(feed) {
    this.id = feed.id;
    this.points = [];
    this.events = [];
    this.log = [];
    this.goingOn = [];
    this.shown = 0;
    this.root = find("#feed").content.firstElementChild.cloneNode(true);
    this.root.dataset.feed = feed.id;
    find("#feeds").append(this.root);
    const act = (action, options) => () =>
      ask(`/api/feeds/${this.id}${action}`, { method: "POST", ...options }).then(() => tell(""), (error) => tell(error.message));
    find(".pause", this.root).onclick = () => act(this.feed.state === "paused" ? "/resume" : "/pause")();
    find(".reset", this.root).onclick = act("/reset");
    find(".remove", this.root).onclick = act("", { method: "DELETE" });
    find(".remove", this.root).hidden = feed.kind === "source";
    for (const kind of ["csv", "json"]) find(`.save .${kind}`, this.root).href = `/api/feeds/${this.id}/events?format=${kind}`;
    find(".settings", this.root).onsubmit = (event) => { event.preventDefault(); this.configure(event.target); };
    for (const box of this.root.querySelectorAll("details")) box.ontoggle = () => this.draw();
    this.update(feed);
    this.connect();
    this.drawing = setInterval(() => this.draw(), REDRAW_MS);
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = (this.socket = new WebSocket(`${scheme}://${location.host}/api/feeds/${this.id}/live`));
    socket.binaryType = "blob";
    socket.onopen = () => this.load();
    socket.onmessage = (message) => (typeof message.data === "string" ? this.hear(JSON.parse(message.data)) : this.show(message.data));
    socket.onclose = () => { if (!this.closed) setTimeout(() => this.closed || this.connect(), RETRY_MS); };
  }

  async load() {
    try {
      const history = await ask(`/api/feeds/${this.id}/history`);
      const last = history.points.length ? history.points[history.points.length - 1].time_s : -1;
      this.points = [...history.points, ...this.points.filter((point) => point.time_s > last)];
      this.events = history.events;
      this.log = history.events.map(eventEntry);
      this.showLog();
    } catch (error) { /* The next connection asks again. */ }
  }

  hear(message) {
    if (message.type === "step") this.step(message);
    else if (message.type === "event") {
      this.events.push(message.event);
      this.events.splice(0, this.events.length - KEPT_EVENTS);
      this.log.push(eventEntry(message.event));
      this.showLog();
    } else if (message.type === "notice") {
      this.log.push({ at: message.at, text: `${seconds(message.time_s)}  ${message.reason}` });
      this.showLog();
    }
    else if (message.type === "feed") this.update(message.feed);
  }

  step(message) {
    if (this.points.length && message.time_s < this.points[this.points.length - 1].time_s) {
      this.points = [];
      this.events = [];
    }
    this.points.push({ time_s: message.time_s, best: message.best.slice(0, 3) });
    if (this.points.length > KEPT_POINTS) this.points.splice(0, this.points.length - KEPT_POINTS);
    this.goingOn = message.going_on;
    const list = find(".best", this.root);
    while (list.children.length < message.best.length) list.append(bestItem());
    while (list.children.length > message.best.length) list.lastChild.remove();
    message.best.forEach((entry, place) => {
      const item = list.children[place];
      paint(item, entry.index);
      find(".label", item).textContent = entry.label;
      find(".score", item).textContent = entry.score.toFixed(2);
      find(".bar", item).style.width = `${100 * entry.score}%`;
    });
    find(".no-answer", this.root).hidden = message.best.length > 0;
    find(".going-on", this.root).textContent = message.going_on.map((event) => `${event.label} since ${seconds(event.start_s)}`).join(", ");
    find(".rate", this.root).textContent = message.frames_per_second.toFixed(1);
    find(".step", this.root).textContent = `${(message.preprocess_ms + message.inference_ms).toFixed(1)} ms`;
    find(".latency", this.root).textContent = message.latency_ms === null ? "–" : `${message.latency_ms.toFixed(0)} ms`;
    find(".skipped", this.root).textContent = message.skipped;
  }

  show(blob) {
    const image = find("img", this.root);
    const url = URL.createObjectURL(blob);
    image.onload = image.onerror = () => {
      URL.revokeObjectURL(url);
      this.shown += 1;
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ shown: this.shown }));
    };
    image.src = url;
    image.alt = `what ${this.feed.name} sees`;
    image.hidden = false;
    find(".waiting", this.root).hidden = true;
  }

  update(feed) {
    this.feed = feed;
    const settings = JSON.stringify(feed.settings);
    if (settings !== this.settings) { this.settings = settings; this.fill(feed.settings); }
    find(".name", this.root).textContent = feed.name;
    const state = find(".state", this.root);
    state.textContent = feed.state === "lost" ? "lost, trying again" : feed.state;
    state.className = `state ${feed.state}`;
    const problem = find(".problem", this.root);
    problem.textContent = feed.problem;
    problem.hidden = !feed.problem;
    const pause = find(".pause", this.root);
    pause.textContent = feed.state === "paused" ? "Resume" : "Pause";
    pause.disabled = !["running", "paused"].includes(feed.state);
    find(".reset", this.root).disabled = ["ended", "failed"].includes(feed.state);
    if (feed.state !== "running") find(".rate", this.root).textContent = "0.0";
    if (["lost", "ended", "failed"].includes(feed.state)) {
      find(".going-on", this.root).textContent = "";
      this.goingOn = [];
    }
  }

  away() {
    const state = find(".state", this.root);
    state.textContent = "no connection";
    state.className = "state lost";
    find(".rate", this.root).textContent = "–";
  }

  fill(settings) {
    const form = find(".settings", this.root);
    for (const name of ["enter", "leave", "smoothing_s", "horizon_s"]) form.elements[name].value = settings[name] ?? "";
    form.elements.allow.value = settings.allow.join("; ");
  }

  async configure(form) {
    const refused = find(".refused", form);
    const number = (name) => (form.elements[name].value === "" ? null : Number(form.elements[name].value));
    const settings = {
      enter: number("enter"), leave: number("leave"), smoothing_s: number("smoothing_s"), horizon_s: number("horizon_s"),
      allow: form.elements.allow.value.split(";").map((label) => label.trim()).filter(Boolean),
    };
    try {
      const options = { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(settings) };
      this.fill((await ask(`/api/feeds/${this.id}/settings`, options)).settings);
      refused.hidden = true;
    } catch (error) {
      refused.textContent = error.message;
      refused.hidden = false;
    }
  }

  showLog() {
    this.log.splice(0, this.log.length - SHOWN_LINES);
    const items = this.log.map(({ at, index, text }) => {
      const item = document.createElement("li");
      const clock = document.createElement("time");
      clock.dateTime = at;
      clock.textContent = new Date(at).toLocaleTimeString();
      const words = document.createElement("span");
      if (index !== undefined) words.append(classMark(index));
      words.append(text);
      item.append(words, clock);
      return item;
    });
    find(".events", this.root).replaceChildren(...items.reverse());
    find(".no-events", this.root).hidden = items.length > 0;
  }

  draw() {
    const timeline = find(".timeline", this.root);
    const shown = drawTimeline(timeline, this.points, [...this.events, ...this.goingOn]);
    if (shown) {
      describe(timeline, shown.words);
      this.explain(shown.classes);
    }
    const histogram = find(".histogram", this.root);
    describe(histogram, drawHistogram(histogram, this.feed.latencies));
  }

  explain(classes) {
    const legend = find(".legend", this.root);
    const text = JSON.stringify(classes);
    if (legend.dataset.text === text) return;
    legend.dataset.text = text;
    legend.replaceChildren(...classes.map(({ index, label }) => {
      const entry = document.createElement("span");
      entry.append(classMark(index), label);
      return entry;
    }));
  }

  close() {
    this.closed = true;
    clearInterval(this.drawing);
    this.socket.close();
    this.root.remove();
  }
}

function eventEntry(event) {
  const { at, index, label } = event;
  return { at, index, text: `${label} ${event.peak_score.toFixed(2)}, ${seconds(event.start_s)} – ${seconds(event.end_s)}` };
}

function bestItem() {
  const item = document.createElement("li");
  for (const name of ["bar", "label", "score"]) {
    const part = document.createElement("span");
    part.className = name;
    item.append(part);
  }
  return item;
}

function seconds(value) {
  // A number and its unit stay on one line.
  if (value < 60) return `${value.toFixed(1)}\u00a0s`;
  const whole = Math.floor(value);
  const clock = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  return clock.join(":");
}

function show(feed) {
  if (cards.has(feed.id)) cards.get(feed.id).update(feed);
  else cards.set(feed.id, new Card(feed));
  find("#empty").hidden = true;
}

async function refresh() {
  const connection = find("#connection");
  try {
    const status = await ask("/api/status");
    // Another server, perhaps with another model: begin anew.
    if (status.system.uptime_s < uptime) { location.reload(); return; }
    uptime = status.system.uptime_s;
    connection.textContent = "connected";
    connection.className = "on";
    if (!model) {
      model = status.model;
      find("#model").textContent = `${model.name}, ${model.labels.length} labels`;
      find("#labels").append(...model.labels.slice(0, 1000).map((label) => new Option(label)));
    }
    const system = status.system;
    find("#memory").textContent = (system.resident_bytes / 1e6).toFixed(0);
    find("#cpu").textContent = `${system.cpu_percent.toFixed(0)} %`;
    find("#temperature").textContent = system.cpu_celsius === null ? "–" : `${system.cpu_celsius.toFixed(0)} °C${system.throttled ? ", throttled" : ""}`;
    memory.push(system.resident_bytes / 1e6);
    if (memory.length > 300) memory.shift();
    describe(find("#memory-chart"), drawMemory(find("#memory-chart"), memory));
    const known = new Set(status.feeds.map((feed) => feed.id));
    status.feeds.forEach(show);
    find("#more").hidden = !status.allowed_sources.length;
    for (const [id, card] of cards) if (!known.has(id)) { card.close(); cards.delete(id); }
    find("#empty").hidden = known.size > 0;
    find("#file").dataset.most = status.most_upload_bytes;
  } catch (error) {
    connection.textContent = error instanceof Refusal ? error.message : "the server does not answer; trying again";
    connection.className = "off";
    for (const card of cards.values()) card.away();
  }
  setTimeout(refresh, STATUS_EVERY_MS);
}

function send(file) {
  const most = Number(find("#file").dataset.most || 0);
  if (file.size > most) { tell(`${file.name} has ${(file.size / 1e6).toFixed(0)} MB; at most ${(most / 1e6).toFixed(0)} MB can be sent`); return; }
  const bar = find("#upload");
  const request = new XMLHttpRequest();
  request.open("POST", `/api/uploads?name=${encodeURIComponent(file.name.slice(0, 200))}`);
  request.setRequestHeader("content-type", "application/octet-stream");
  request.upload.onprogress = (event) => { bar.value = event.loaded / event.total; };
  request.onloadend = () => {
    bar.hidden = true;
    let answer = { detail: "the file could not be sent" };
    try { answer = JSON.parse(request.responseText); } catch (error) { /* It was no JSON. */ }
    const taken = request.status === 201;
    tell(taken ? "" : answer.detail);
    if (taken) show(answer);
  };
  bar.value = 0;
  bar.hidden = false;
  request.send(file);
}

async function add(form) {
  const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ source: form.elements.source.value.trim() }) };
  try {
    show(await ask("/api/feeds", options));
    tell("");
    // It may hold a password.
    form.reset();
    openForm(false);
  } catch (error) {
    tell(error.message);
  }
}

function openForm(shown) {
  find("#source").hidden = !shown;
  find("#more").setAttribute("aria-expanded", shown);
  if (shown) find("#source input").focus();
}

async function useCamera() {
  const button = find("#camera");
  if (!navigator.mediaDevices) { tell("browsers give their camera to pages from this machine or by https only"); return; }
  let media;
  try {
    media = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 } }, audio: false });
  } catch (error) {
    tell(`this camera cannot be used: ${error.message}`);
    return;
  }
  tell("");
  const video = document.createElement("video");
  video.srcObject = media;
  video.muted = true;
  video.playsInline = true;
  await video.play();
  const canvas = document.createElement("canvas");
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/api/camera`);
  const next = () => {
    if (socket.readyState !== WebSocket.OPEN) return;
    canvas.width = CAMERA_WIDTH;
    canvas.height = Math.round((CAMERA_WIDTH * video.videoHeight) / video.videoWidth) || 270;
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => { if (blob && socket.readyState === WebSocket.OPEN) socket.send(blob); }, "image/jpeg", 0.7);
  };
  const period = 1000 / Math.min(30, (model && model.frames_per_second) || 10);
  let sent = 0;
  socket.onmessage = (message) => {
    const said = JSON.parse(message.data);
    if (said.type === "feed") show(said.feed);
    const wait = Math.max(0, sent + period - performance.now()); setTimeout(() => { sent = performance.now(); next(); }, wait);
  };
  socket.onclose = (event) => {
    for (const track of media.getTracks()) track.stop();
    button.textContent = "Use this camera";
    button.onclick = useCamera;
    if (event.reason) tell(event.reason);
  };
  button.textContent = "Stop this camera";
  button.onclick = () => socket.close();
}

find("#file").onchange = (event) => { if (event.target.files[0]) send(event.target.files[0]); event.target.value = ""; };
find("#camera").onclick = useCamera;
find("#more").onclick = () => openForm(find("#source").hidden);
find("#source").onsubmit = (event) => { event.preventDefault(); add(event.target); };
if (location.search.includes("token=")) history.replaceState(null, "", "/");
refresh();
