// The view of the plane, and the songs as they are drawn in it.

import { shuffled } from "./data.js";
import { rgba, token } from "./colours.js";
import { DISC, GROUND, SHAPE, SQUARE, premultiplied } from "./drawing.js";

const STRETCH = 1.5;
const NEAREST_ZOOM = 200;
const FARTHEST_ZOOM = 0.4;
const NEAREST_FIT = 5;
const ROOM = 0.7;
// Milliseconds from one frame to the next: above, fewer songs are drawn while the view moves.
const SLOW = 34;
const FAST = 22;
const FEWEST = 8000;
const AT_FIRST = 40000;
const SETTLED = 160;
const SHAPES_FROM = 6.5;
const LARGEST = 12;
const SMALLEST = 2.4;

export class Plot {
  constructor(element, drawing, box, songs) {
    this.element = element;
    this.drawing = drawing;
    this.box = box;
    this.songs = songs;
    this.view = { x: 0, y: 0, zoom: 1 };
    this.frame = 0;
    this.share = 1; // of the songs that a frame draws while the view moves
    this.listeners = { change: [], rest: [] };
  }

  // ---- the view: its middle in the plane and how far it is zoomed in ----

  measure() {
    this.width = this.element.clientWidth;
    this.height = this.element.clientHeight;
    this.drawing.resize(this.width, this.height);
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
    this.frame = requestAnimationFrame((now) => {
      this.frame = 0;
      this.pace(now);
      this.render(Math.max(FEWEST, this.share * this.drawing.n));
      this.tell("change");
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.rest(), SETTLED);
    });
  }

  // How long the frames take tells how many songs the next one may draw. The places are in a
  // shuffled order, so the first of them are a fair sample.
  pace(now) {
    const took = now - (this.before ?? -Infinity);
    this.before = now;
    if (took > 400) return;
    if (took > SLOW) this.share = Math.max(0.02, this.share * 0.65);
    else if (took < FAST) this.share = Math.min(1, this.share * 1.06);
  }

  rest() {
    this.render();
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
    return Math.min(LARGEST, small * this.view.zoom ** 0.45);
  }

  // The songs to draw: places x, y, or cells of many songs with their share of the densest one.
  setLayer(layer) {
    this.layer = layer;
    this.order = shuffled(layer.n);
    const places = new Float32Array(2 * layer.n);
    for (let i = 0; i < layer.n; i += 1) {
      places[2 * i] = layer.x[this.order[i]];
      places[2 * i + 1] = layer.y[this.order[i]];
    }
    this.drawing.setPlaces(places);
    this.share = Math.min(this.share, AT_FIRST / Math.max(layer.n, 1));
  }

  // `isOn(i)`: whether a song has its colour; the others stay as faint ground.
  draw({ groups, of }, isOn) {
    const { n, density } = this.layer;
    const colours = new Uint8Array(4 * n);
    const symbols = new Uint8Array(n);
    const paints = groups.map((group) => rgba(group.colour()));
    const ground = rgba(token("--map-ground"));
    for (let i = 0; i < n; i += 1) {
      const at = this.order[i];
      const on = isOn(at);
      const paint = on ? paints[of[at]] : ground;
      colours.set(paint, 4 * i);
      if (density && on) colours[4 * i + 3] = 255 * density[at];
      symbols[i] = on ? groups[of[at]].shape : GROUND;
    }
    this.drawing.setStyles(colours, symbols);
    this.outline = premultiplied(token("--map-outline"));
    this.render();
  }

  render(count = this.drawing.n) {
    if (!this.outline) return;
    const { x, y, zoom } = this.view;
    const { cell } = this.layer;
    const size = this.markerSize();
    const style = cell
      ? { size: cell / this.pixel()[0] + 1, look: SQUARE, opacity: 1 }
      : { size, look: size >= SHAPES_FROM ? SHAPE : DISC, opacity: this.layer.n > 50000 ? 0.7 : this.layer.n > 8000 ? 0.8 : 0.92 };
    this.drawing.render(
      { x, y, halfX: this.half.x / zoom, halfY: this.half.y / zoom },
      { ...style, groundSize: cell ? style.size : Math.max(2, size * 0.7), outline: style.look === SHAPE ? this.outline : [0, 0, 0, 0] },
      Math.round(count),
    );
  }
}

function limited(zoom) {
  return Math.min(NEAREST_ZOOM, Math.max(FARTHEST_ZOOM, zoom));
}
