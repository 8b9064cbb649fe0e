// The view of the plane, and the songs as Plotly draws them in it: WebGL scatter traces, or an image
// of the cells of a large map.

import { shuffled } from "./data.js";
import { rgba, token } from "./colours.js";

// Traces of one colour are drawn some twenty times as fast as one trace with a colour per point.
// Each group is cut into layers and the layers are interleaved, so that no group covers another.
const TRACES = 36;
const MOST_LAYERS = 3;
// Plotly's names for the shapes of icons.svg#mark-0 … #mark-11 and of #mark-noise.
const SYMBOLS = [
  "circle", "square", "diamond", "cross", "triangle-up", "star", "hexagon", "triangle-down", "x",
  "pentagon", "hourglass", "star-diamond", "circle",
];
const STRETCH = 1.5;
const NEAREST_ZOOM = 200;
const FARTHEST_ZOOM = 0.4;
const NEAREST_FIT = 5;
const ROOM = 0.7;
// Milliseconds of a frame: above, the drawing is moved as a picture while the view moves.
const SMOOTH = 50;
const SETTLED = 160;
const SHAPES_FROM = 6.5;
const LARGEST = 12;
const SMALLEST = 2.4;

export class Plot {
  constructor(frame, element, plotly, box, songs) {
    this.frameElement = frame;
    this.element = element;
    this.plotly = plotly;
    this.box = box;
    this.songs = songs;
    this.view = { x: 0, y: 0, zoom: 1 };
    this.size = 0;
    this.frame = 0;
    this.frameCost = 0;
    this.listeners = { change: [], rest: [] };
  }

  // ---- the view: its middle in the plane and how far it is zoomed in ----

  measure() {
    this.width = this.frameElement.clientWidth;
    this.height = this.frameElement.clientHeight;
    const { left, right, bottom, top } = this.box;
    const [x, y] = [(right - left) / 2, (top - bottom) / 2];
    // One axis may be drawn larger to fill the frame; more would bend distances too far.
    const frame = this.width / this.height;
    const shape = frame / Math.min(STRETCH, Math.max(1 / STRETCH, frame / (x / y)));
    this.half = x / y < shape ? { x: y * shape, y } : { x, y: x / shape };
    this.home = { x: (left + right) / 2, y: (bottom + top) / 2, zoom: 1 };
  }

  ranges({ x, y, zoom } = this.view) {
    const [dx, dy] = [this.half.x / zoom, this.half.y / zoom];
    return { left: x - dx, right: x + dx, bottom: y - dy, top: y + dy };
  }

  pixelOf(x, y) {
    const { left, right, bottom, top } = this.ranges();
    return [
      ((x - left) / (right - left)) * this.width,
      ((top - y) / (top - bottom)) * this.height,
    ];
  }

  placeOf(px, py) {
    const { left, right, bottom, top } = this.ranges();
    return [
      left + (px / this.width) * (right - left),
      top - (py / this.height) * (top - bottom),
    ];
  }

  // One pixel in units of the plane.
  pixel() {
    return [
      (2 * this.half.x) / this.view.zoom / this.width,
      (2 * this.half.y) / this.view.zoom / this.height,
    ];
  }

  look(view) {
    this.view = { x: view.x ?? this.view.x, y: view.y ?? this.view.y, zoom: limited(view.zoom ?? this.view.zoom) };
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.frameCost > SMOOTH) this.shift();
      else this.redraw();
      this.tell("change");
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.rest(), SETTLED);
    });
  }

  // The page is left: nothing is drawn any more.
  stop() {
    this.drawn = false;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.settling);
  }

  redraw() {
    if (!this.drawn) return;
    const begun = performance.now();
    const { left, right, bottom, top } = this.ranges();
    this.seen = { ...this.view };
    this.element.style.transform = "";
    this.plotly.relayout(this.element, { "xaxis.range": [left, right], "yaxis.range": [bottom, top] });
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.frameCost = (this.frameCost + performance.now() - begun) / 2;
      }),
    );
  }

  // Moves the drawing that is there as a picture.
  shift() {
    if (!this.drawn) return;
    const [x, y] = this.pixelOf(this.seen.x, this.seen.y);
    const [dx, dy] = [x - this.width / 2, y - this.height / 2];
    const scale = this.view.zoom / this.seen.zoom;
    this.element.style.transform = `translate(${dx}px, ${dy}px) scale(${scale})`;
  }

  // Dots become larger as one comes nearer; they are made anew only when the step is to be seen.
  rest() {
    if (this.drawn && this.markerSize() !== this.size) this.draw(this.colouring, this.isOn);
    else if (this.element.style.transform) this.redraw();
    this.tell("rest");
  }

  // Keeps the place under (px, py) where it is while zooming.
  zoomAt(px, py, factor) {
    const [x, y] = this.placeOf(px, py);
    const zoom = limited(this.view.zoom * factor);
    const ratio = this.view.zoom / zoom;
    this.look({ x: x + (this.view.x - x) * ratio, y: y + (this.view.y - y) * ratio, zoom });
  }

  panBy(px, py) {
    const [unitX, unitY] = this.pixel();
    this.look({ x: this.view.x - px * unitX, y: this.view.y + py * unitY });
  }

  // Looks at these places, all of them in view, with some room around.
  fit(xs, ys) {
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [bottom, top] = [Math.min(...ys), Math.max(...ys)];
    const zoom = Math.min(
      NEAREST_FIT,
      (ROOM * 2 * this.half.x) / Math.max(right - left, Number.EPSILON),
      (ROOM * 2 * this.half.y) / Math.max(top - bottom, Number.EPSILON),
    );
    this.look({ x: (left + right) / 2, y: (bottom + top) / 2, zoom });
  }

  on(kind, listener) {
    this.listeners[kind].push(listener);
  }

  tell(kind) {
    for (const listener of this.listeners[kind]) listener();
  }

  // ---- the drawing ----

  markerSize() {
    const area = this.width * this.height;
    const alone = Math.sqrt(area / Math.max(this.songs, 1)) * 0.5;
    const small = Math.min(LARGEST, Math.max(SMALLEST, alone));
    return Math.min(LARGEST, Math.round(small * this.view.zoom ** 0.45 * 2) / 2);
  }

  // The songs to draw: places x, y, or cells of many songs with their share of the densest one.
  setLayer(layer) {
    this.layer = layer;
    this.order = shuffled(layer.n);
  }

  // `isOn(i)`: whether a song has its colour; the others stay as faint ground.
  draw(colouring, isOn) {
    this.colouring = colouring;
    this.isOn = isOn;
    this.size = this.markerSize();
    const { cells } = this.layer;
    const traces = cells ? [] : this.traces(colouring, isOn);
    const layout = { ...this.layout(), images: cells ? [this.image(colouring, isOn)] : [] };
    this.seen = { ...this.view };
    this.element.style.transform = "";
    const drawing = this.drawn
      ? this.plotly.react(this.element, traces, layout)
      : this.plotly.newPlot(this.element, traces, layout, { staticPlot: true, displayModeBar: false });
    this.drawn = true;
    return drawing;
  }

  layout() {
    const { left, right, bottom, top } = this.ranges();
    const axis = { visible: false, fixedrange: true, autorange: false };
    return {
      width: this.width,
      height: this.height,
      margin: { l: 0, r: 0, t: 0, b: 0 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      showlegend: false,
      hovermode: false,
      dragmode: false,
      xaxis: { ...axis, range: [left, right] },
      yaxis: { ...axis, range: [bottom, top] },
    };
  }

  traces({ groups, of }, isOn) {
    const { n, x, y } = this.layer;
    const layers = Math.min(MOST_LAYERS, Math.max(1, Math.floor(TRACES / groups.length)));
    const traces = layers * groups.length;
    // Counted first, so that each trace's arrays have their size from the start. Trace 0 is the
    // faint ground; the layers of the groups follow.
    const sizes = new Uint32Array(traces + 1);
    const traceOf = new Uint16Array(n);
    for (let i = 0; i < n; i += 1) {
      const at = this.order[i];
      traceOf[i] = isOn(at) ? 1 + (i % layers) * groups.length + of[at] : 0;
      sizes[traceOf[i]] += 1;
    }
    const xs = Array.from(sizes, (size) => new Float32Array(size));
    const ys = Array.from(sizes, (size) => new Float32Array(size));
    const filled = new Uint32Array(traces + 1);
    for (let i = 0; i < n; i += 1) {
      const trace = traceOf[i];
      xs[trace][filled[trace]] = x[this.order[i]];
      ys[trace][filled[trace]] = y[this.order[i]];
      filled[trace] += 1;
    }
    const opacity = n > 50000 ? 0.7 : n > 8000 ? 0.8 : 0.92;
    const shaped = this.size >= SHAPES_FROM;
    const outline = { width: shaped ? 0.75 : 0, color: token("--map-outline") };
    const ground = { size: Math.max(2, this.size * 0.7), color: token("--map-ground"), symbol: "circle", opacity: 1, line: { width: 0 } };
    const drawn = [trace(xs[0], ys[0], ground)];
    for (let i = 1; i <= traces; i += 1) {
      const group = groups[(i - 1) % groups.length];
      const symbol = shaped ? SYMBOLS[group.shape] : "circle";
      drawn.push(trace(xs[i], ys[i], { size: this.size, color: group.colour(), symbol, opacity, line: outline }));
    }
    return drawn;
  }

  // The cells of a large map as an image of one pixel each.
  image({ groups, of }, isOn) {
    const { n, density, cells } = this.layer;
    const { columns, lines, left, right, bottom, top } = cells.grid;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [columns, lines];
    const pen = canvas.getContext("2d");
    const pixels = pen.createImageData(columns, lines);
    const paints = groups.map((group) => rgba(group.colour()));
    const ground = rgba(token("--map-ground"));
    for (let i = 0; i < n; i += 1) {
      const [column, line] = [cells.at[i] % columns, Math.floor(cells.at[i] / columns)];
      const on = isOn(i);
      const at = 4 * ((lines - 1 - line) * columns + column);
      pixels.data.set(on ? paints[of[i]] : ground, at);
      if (on) pixels.data[at + 3] = 255 * density[i];
    }
    pen.putImageData(pixels, 0, 0);
    return {
      source: canvas.toDataURL(), xref: "x", yref: "y", x: left, y: top, sizex: right - left, sizey: top - bottom,
      xanchor: "left", yanchor: "top", sizing: "stretch", layer: "below",
    };
  }
}

function trace(x, y, marker) {
  return { type: "scattergl", mode: "markers", x, y, marker, hoverinfo: "skip", visible: x.length > 0 };
}

function limited(zoom) {
  return Math.min(NEAREST_ZOOM, Math.max(FARTHEST_ZOOM, zoom));
}
