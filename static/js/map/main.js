// The map: loads the songs, draws them, and ties legend, search, panels and gestures together.

import { announce, element, plural, spoken } from "./dom.js";
import { Source, ask } from "./data.js";
import { framed } from "./drawing.js";
import { Gestures } from "./gestures.js";
import { byAmount, byCluster, byFlag, byName, byServer } from "./grouping.js";
import { PlaneIndex } from "./index.js";
import { Legend } from "./legend.js";
import { Overlay } from "./overlay.js";
import { SelectionPanel, SongPanel } from "./panels.js";
import { Plot } from "./plot.js";
import { Preview } from "./preview.js";
import { Search } from "./search.js";

const SETTLED = 70;
const NEIGHBOURS = 24;
const STEPS = 65535;
const CORNERS = 50;
// A cell of a large map in pixels, and how much more than the view is loaded at each side.
const CELL = 5;
const AROUND = 0.125;
const MOST_CELLS = 320;
const MOST_PIXELS = 4096;
// A step to the next song prefers the direction to the distance.
const ASIDE = 2.5;

class SongMap {
  constructor(root, settings) {
    this.root = root;
    this.settings = settings;
    this.source = new Source(settings);
    this.isLarge = Boolean(settings.cells);
    this.column = "cluster";
    this.liked = new Set();
    this.disliked = new Set();
    this.selected = null;
    this.at = -1;
    // Aborted when the page is left while the document stays.
    this.left = new AbortController();
    this.isOn = (i) => this.shown(i);
    this.isVisible = (i) => this.colouring.groups[this.colouring.of[i]].on;
    this.placeOf = (row) => this.place(row);
  }

  find(name) {
    return this.root.querySelector(`[data-map-${name}]`);
  }

  async start() {
    const { drawing: address, plane } = this.settings;
    const [points, mine, { drawing, plotly }] = await Promise.all([
      this.isLarge ? { n: 0, x: new Float32Array(0), y: new Float32Array(0), of: new Uint8Array(0) } : this.source.points(),
      this.source.mine(),
      framed(this.find("plot"), address),
    ]);
    this.places = new Map(Object.entries(mine.places).map(([row, place]) => [Number(row), place]));
    this.liked = new Set(mine.liked);
    this.disliked = new Set(mine.disliked);
    this.hadDislikes = this.disliked.size > 0;
    this.frame = this.find("frame");
    const [left, right, bottom, top] = plane.box;
    this.plot = new Plot(this.frame, drawing, plotly, { left, right, bottom, top }, plane.n);
    this.plot.measure();
    this.plot.view = { ...this.plot.home };
    this.parts();
    this.colouring = this.isLarge
      ? byServer(await this.source.legend("cluster"), this.settings.clusters)
      : byCluster(points.labels, this.settings.clusters);
    this.setLayer(points);
    this.legend.show(this.colouring);
    const { cluster, song, songs } = this.settings.show;
    const alone = this.colouring.groups.find(({ number }) => number === cluster);
    if (alone) for (const group of this.colouring.groups) group.on = group === alone;
    this.legend.refresh();
    if (this.isLarge) await this.loadPart();
    await this.draw();
    // Plotly says so in a box of its own instead of failing.
    if (drawing.querySelector(".no-webgl")) throw new Error("This browser cannot draw the map: it has no WebGL.");
    this.overlay.setLiked(this.liked);
    this.find("status").remove();
    this.root.dataset.ready = "true";
    this.watch();
    if (song) this.goTo(song);
    else if (songs) this.showAll(songs);
    else this.guarded(() => this.nameView());
  }

  leavePage() {
    this.left.abort();
    this.naming?.abort();
    clearTimeout(this.settling);
    this.plot?.stop();
    this.preview?.stop();
  }

  parts() {
    const { sprite } = this.settings;
    this.overlay = new Overlay(this.find("over"), this.find("tip"), this.plot, sprite, this.placeOf);
    this.legend = new Legend(this.find("legend"), sprite, () => this.draw());
    this.panel = new SongPanel(this.find("song"), this.settings, sprite, {
      react: (song, value) => this.guarded(() => this.react(song, value)),
      path: (song) => this.pathFrom(song),
      close: () => this.choose(null),
    });
    this.picked = new SelectionPanel(this.find("selection"), this.source, this.settings, {
      clear: () => this.select(null),
      likeAll: (rows) => this.guarded(() => this.likeAll(rows)),
      keep: (form, rows) => this.guarded(() => this.keep(form, rows)),
    });
    this.gestures = new Gestures(this.frame, this.plot, {
      point: (...at) => this.point(...at),
      leave: () => this.leave(),
      press: (...at) => this.press(...at),
      shape: (path, closed) => this.overlay.setShape(path, closed),
      select: (polygon) => this.guarded(() => this.selectInside(polygon)),
      connect: (from, to, reach) => this.guarded(() => this.connect(this.nearest(...from, reach), this.nearest(...to, reach))),
      step: (x, y) => this.step(x, y),
      enter: () => this.guarded(() => this.enter()),
      escape: () => this.escape(),
    });
    this.search = new Search(this.find("search"), this.source, sprite, (song) => this.goTo(song));
    if (this.settings.audible) this.preview = new Preview(this.find("preview"), (row) => this.overlay.setSounding(row), this.left.signal);
  }

  watch() {
    this.plot.element.on("plotly_webglcontextlost", () =>
      this.guarded(() => {
        throw new Error("The graphics driver dropped the drawing. Reload the page.");
      }),
    );
    document.addEventListener("themechange", () => {
      this.draw();
      this.legend.paint();
    }, { signal: this.left.signal });
    new ResizeObserver(() => {
      if (this.left.signal.aborted) return;
      this.plot.measure();
      this.draw();
      this.overlay.place();
      this.rested();
    }).observe(this.frame);
    this.plot.on("rest", () => this.rested());
    this.find("colour").addEventListener("change", (event) =>
      this.guarded(() => this.colourBy(event.target)),
    );
    for (const radio of this.root.querySelectorAll("[name=map-tool]")) {
      radio.addEventListener("change", () => this.gestures.use(radio.value));
    }
    const middle = () => [this.plot.width / 2, this.plot.height / 2];
    this.find("nearer").addEventListener("click", () => this.plot.zoomAt(...middle(), 1.6));
    this.find("farther").addEventListener("click", () => this.plot.zoomAt(...middle(), 1 / 1.6));
    this.find("home").addEventListener("click", () => this.plot.look(this.plot.home));
  }

  // Errors are shown on the map itself, which stays as it is.
  async guarded(act) {
    try {
      await act();
    } catch (error) {
      if (error.name === "AbortError" || this.left.signal.aborted) return;
      const problem = this.find("problem");
      problem.textContent = error.message;
      problem.hidden = false;
      setTimeout(() => {
        problem.hidden = true;
      }, 8000);
    }
  }

  // ---- what is drawn ----

  // The songs that are drawn: all of them, or of a large map what the view holds. A layer's songs
  // are counted from 0; their rows in the run are what everything else is named by.
  setLayer(layer) {
    this.layer = layer;
    if (this.isLarge) this.colouring.of = layer.of;
    this.index = layer.cells ? null : new PlaneIndex(layer.x, layer.y);
    if (layer.rows) layer.rows.forEach((row, i) => this.places.set(row, [layer.x[i], layer.y[i]]));
    this.plot.setLayer(layer);
  }

  row(i) {
    return this.layer.rows ? this.layer.rows[i] : i;
  }

  place(row) {
    if (!this.isLarge) return [this.layer.x[row], this.layer.y[row]];
    return this.places.get(row) || this.source.known(row)?.place || null;
  }

  shown(i) {
    if (!this.isVisible(i)) return false;
    if (this.layer.cells) return true;
    const row = this.row(i);
    return !this.disliked.has(row) && (this.selected === null || this.selected.has(row));
  }

  draw() {
    const drawing = this.plot.draw(this.colouring, this.isOn);
    this.overlay.placeNames();
    return drawing;
  }

  rested() {
    this.guarded(() => this.nameView());
    if (this.isLarge) this.guarded(() => this.loadPart());
  }

  // The part of the plane that is asked for: the view and some more around it, at a zoom and a
  // middle of which there are few, so that the answers of neighbouring views are the same.
  partAround() {
    const { x, y, zoom } = this.plot.view;
    const steps = 2 ** (Math.floor(Math.log2(zoom) * 2 + 1e-9) / 2);
    const half = { x: this.plot.half.x / steps, y: this.plot.half.y / steps };
    const snap = (value, size) => Math.round(value / (size * AROUND)) * size * AROUND;
    const middle = { x: snap(x, half.x), y: snap(y, half.y) };
    const [left, right, bottom, top] = this.settings.plane.bounds;
    const code = (value, low, high) => Math.round(Math.min(1, Math.max(0, (value - low) / (high - low))) * STEPS);
    const room = 1 + AROUND;
    const view = [
      code(middle.x - half.x * room, left, right), code(middle.x + half.x * room, left, right),
      code(middle.y - half.y * room, bottom, top), code(middle.y + half.y * room, bottom, top),
    ];
    const pixels = [
      ((view[1] - view[0]) / STEPS) * (right - left) * (this.plot.width / (2 * half.x)),
      ((view[3] - view[2]) / STEPS) * (top - bottom) * (this.plot.height / (2 * half.y)),
    ];
    return { view, size: pixels.map((length) => Math.round(Math.min(MOST_PIXELS, Math.max(16, length)))), zoom: steps };
  }

  async nameView() {
    const { view, size, zoom } = this.partAround();
    const part = `${this.column} ${view} ${size}`;
    if (part === this.namedPart || view[0] >= view[1] || view[2] >= view[3]) return;
    this.naming?.abort();
    this.naming = new AbortController();
    const names = await this.source.names(view, size, this.column, this.naming.signal);
    this.namedPart = part;
    this.overlay.setNames(names, zoom, (group) => this.colouring.groups[group]?.on ?? true);
  }

  async loadPart() {
    const { view, size } = this.partAround();
    const cells = size.map((length) => Math.min(MOST_CELLS, Math.max(1, Math.round(length / CELL))));
    const part = `${this.column} ${view} ${cells}`;
    if (part === this.loadedPart || view[0] >= view[1] || view[2] >= view[3]) return;
    this.loadedPart = part;
    this.loading?.abort();
    this.loading = new AbortController();
    try {
      this.setLayer(await this.source.part(view, cells, this.column, this.loading.signal));
      this.draw();
    } catch (error) {
      if (this.loadedPart === part) this.loadedPart = "";
      throw error;
    }
  }

  async colourBy(select) {
    const option = select.selectedOptions[0];
    const name = option.value;
    const { unit } = option.dataset;
    const colouring = await this.grouped(name, unit);
    if (select.value !== name) return;
    this.column = name;
    this.colouring = colouring;
    if (this.isLarge) await this.loadPart();
    this.legend.show(this.colouring, (value) => spoken(value, unit));
    this.draw();
    await this.nameView();
  }

  async grouped(name, unit) {
    if (this.isLarge) return byServer(await this.source.legend(name), this.settings.clusters);
    if (name === "cluster") return byCluster(this.layer.labels, this.settings.clusters);
    const column = await this.source.column(name);
    return column.named ? byName(column) : unit === "flag" ? byFlag(column) : byAmount(column);
  }

  // ---- one song ----

  nearest(x, y, reach) {
    if (!this.index) return -1;
    const [unitX, unitY] = this.plot.pixel();
    const i = this.index.nearest(...this.plot.placeOf(x, y), reach * unitX, reach * unitY, this.isVisible);
    return i < 0 ? -1 : this.row(i);
  }

  point(x, y, reach) {
    this.hover(this.nearest(x, y, reach));
  }

  hover(row) {
    this.frame.classList.toggle("is-over-song", row >= 0);
    if (row === this.at) return;
    this.at = row;
    this.overlay.setRing(row);
    clearTimeout(this.settling);
    if (row < 0) {
      this.overlay.setTip(-1);
      this.preview?.pointAt(null);
      return;
    }
    if (this.source.known(row)) this.showTip(row);
    else {
      this.overlay.setTip(-1);
      this.settling = setTimeout(() => this.guarded(() => this.load(row)), SETTLED);
    }
  }

  // Fetches the song and those around it: where the pointer goes next they are there already.
  async load(row) {
    const [unitX, unitY] = this.plot.pixel();
    const [x, y] = this.place(row);
    const around = [];
    for (const i of this.index.near(x - 40 * unitX, x + 40 * unitX, y - 40 * unitY, y + 40 * unitY)) {
      if (around.length >= NEIGHBOURS) break;
      if (this.row(i) !== row && this.isVisible(i)) around.push(this.row(i));
    }
    await this.source.songsIn([row, ...around]);
    if (this.at === row) this.showTip(row);
  }

  showTip(row) {
    const song = this.source.known(row);
    if (!song) return;
    this.overlay.setTip(row, [
      element("strong", {}, song.title),
      element("span", {}, song.artists || "Unknown artist"),
    ]);
    this.preview?.pointAt(song);
    if (!this.chosen) this.showSong(song);
  }

  showSong(song) {
    const value = this.liked.has(song.row) ? 1 : this.disliked.has(song.row) ? -1 : 0;
    this.panel.show(song, value);
  }

  leave() {
    // The panel keeps the last song, so that the pointer can travel to its buttons.
    clearTimeout(this.settling);
    this.at = -1;
    this.overlay.setRing(-1);
    this.overlay.setTip(-1);
    this.preview?.pointAt(null);
    this.frame.classList.remove("is-over-song");
  }

  // A click or a tap chooses the song: it stays in the panel. On cells of many songs it goes nearer.
  press(x, y, reach) {
    if (!this.index) {
      this.plot.zoomAt(x, y, 2.5);
      return;
    }
    const row = this.nearest(x, y, reach);
    this.hover(row);
    this.guarded(async () => {
      if (row < 0) {
        this.choose(null);
        return;
      }
      const [song] = await this.source.songsIn([row]);
      if (!song) return;
      if (this.origin && this.origin.row !== row) await this.connect(this.origin.row, row);
      else {
        this.choose(song);
        this.preview?.play(song);
      }
    });
  }

  choose(song) {
    this.chosen = song;
    this.origin = null;
    this.overlay.setFound(song ? song.row : -1);
    if (song) this.showSong(song);
    else this.panel.clear();
  }

  // From song to song with the arrow keys: the nearest one of the view in that direction.
  step(dx, dy) {
    if (!this.index) {
      this.plot.panBy(-120 * dx, -120 * dy);
      return;
    }
    const { left, right, bottom, top } = this.plot.ranges();
    const start = (this.at >= 0 && this.place(this.at)) || [this.plot.view.x, this.plot.view.y];
    const [fromX, fromY] = this.plot.pixelOf(...start);
    let best = -1;
    let least = Infinity;
    for (const i of this.index.near(left, right, bottom, top)) {
      const [x, y] = [this.layer.x[i], this.layer.y[i]];
      if (x < left || x > right || y < bottom || y > top || !this.isVisible(i) || this.row(i) === this.at) continue;
      const [px, py] = this.plot.pixelOf(x, y);
      const along = (px - fromX) * dx + (py - fromY) * dy;
      const aside = Math.abs((px - fromX) * dy) + Math.abs((py - fromY) * dx);
      const cost = along + ASIDE * aside;
      if (along > 0.5 && cost < least) [best, least] = [i, cost];
    }
    if (best < 0) {
      announce("No further song in view in this direction. Shift and an arrow key move the map.");
      return;
    }
    this.hover(this.row(best));
    this.guarded(async () => {
      const [song] = await this.source.songsIn([this.at]);
      if (song) announce(`${song.title}, ${song.artists || "unknown artist"}. Enter shows it.`);
    });
  }

  async enter() {
    if (this.at < 0) return;
    const [song] = await this.source.songsIn([this.at]);
    if (!song) return;
    if (this.origin && this.origin.row !== song.row) {
      await this.connect(this.origin.row, song.row);
      return;
    }
    this.choose(song);
    this.preview?.play(song);
    this.panel.focus();
  }

  escape() {
    if (this.origin || this.chosen) this.choose(null);
    else this.select(null);
    this.preview?.stop();
  }

  goTo(song) {
    this.source.keep([song]);
    const [x, y] = this.place(song.row);
    const zoom = Math.max(this.plot.view.zoom, nearZoom(this.settings.plane.n));
    this.plot.look({ x, y, zoom });
    this.choose(song);
    announce(`${song.title} is in the middle of the map.`);
  }

  // The songs of an artist or an album: selected, ringed, and as near as all of them allow.
  showAll({ rows, of, places }) {
    for (const [row, place] of Object.entries(places)) this.places.set(Number(row), place);
    this.fit(rows);
    this.select(rows, of);
    this.overlay.setPicked(rows);
  }

  fit(rows) {
    const places = rows.map(this.placeOf).filter(Boolean);
    this.plot.fit(places.map(([x]) => x), places.map(([, y]) => y));
  }

  // ---- paths ----

  pathFrom(song) {
    this.origin = song;
    this.frame.focus({ preventScroll: true });
    this.panel.hintAt(`Choose the song that the path from “${song.title}” leads to.`);
    announce("Choose the song that the path leads to.");
  }

  async connect(from, to) {
    this.origin = null;
    if (from < 0 || to < 0 || from === to) {
      announce("Draw the line from one song to another.");
      return;
    }
    const [start, end] = await this.source.songsIn([from, to]);
    const songs = await this.source.path(start.public_id, end.public_id);
    this.source.keep(songs);
    const rows = songs.map(({ row }) => row);
    this.choose(null);
    this.fit(rows);
    this.select(rows, `from “${start.title}” to “${end.title}”`, { path: [start.public_id, end.public_id] });
    this.overlay.setRoute(rows);
  }

  // ---- liking, selecting ----

  async react(song, value) {
    const name = { 1: "like", "-1": "dislike", 0: "none" }[value];
    const answer = await this.post(this.settings.react.replace("PUBLIC_ID", song.public_id), { value: name });
    this.liked.delete(song.row);
    this.disliked.delete(song.row);
    if (value === 1) this.liked.add(song.row);
    if (value === -1) this.disliked.add(song.row);
    this.reacted(answer.likes);
    this.showSong(song);
    announce({ 1: "Liked", "-1": "Will not be recommended", 0: "Undone" }[value]);
  }

  async likeAll(rows) {
    const answer = await this.post(this.settings.like_all, {
      run: this.settings.run,
      rows: rows.join(","),
    });
    for (const row of answer.liked) {
      this.liked.add(row);
      this.disliked.delete(row);
    }
    this.reacted(answer.likes);
    this.select(null);
    announce(`${answer.liked.length} songs liked`);
  }

  reacted(likes) {
    this.overlay.setLiked(this.liked);
    for (const counter of document.querySelectorAll("[data-like-count]")) counter.textContent = likes;
    if (this.hadDislikes || this.disliked.size) this.draw();
    this.hadDislikes = this.disliked.size > 0;
  }

  // The form is sent as any other: the new playlist's page is where one goes next.
  async keep(form, rows) {
    const songs = await this.source.songsIn(rows);
    const place = form.querySelector("[data-selection-tracks]");
    const ids = songs.map((song) => song.public_id).join(",");
    place.replaceChildren(element("input", { type: "hidden", name: "tracks", value: ids }));
    form.submit();
  }

  async selectInside(polygon) {
    if (!this.isLarge) {
      const inside = this.index.inside(polygon, this.isVisible);
      this.select(this.index.fromMiddle(inside, ...this.plot.pixel()));
      return;
    }
    const [left, right, bottom, top] = this.settings.plane.bounds;
    const every = Math.ceil(polygon.length / CORNERS);
    const code = (value, low, high) => Math.round(Math.min(1, Math.max(0, (value - low) / (high - low))) * STEPS);
    const shape = polygon.filter((_, i) => i % every === 0).flatMap(([x, y]) => [code(x, left, right), code(y, bottom, top)]);
    const { count, rows, places } = await this.source.inside(shape);
    for (const [row, place] of Object.entries(places)) this.places.set(Number(row), place);
    this.select(rows, "", { count });
  }

  select(rows, of = "", more = {}) {
    this.selected = rows && rows.length ? new Set(rows) : null;
    this.overlay.setPicked([]);
    this.overlay.setRoute([]);
    this.guarded(() => this.picked.show(rows, of, more));
    this.draw();
  }

  async post(address, fields) {
    const body = new URLSearchParams({ csrf_token: this.settings.csrf_token, ...fields });
    return (await ask(address, {}, { method: "POST", body })).json();
  }
}

// How near a song that was searched for is shown: some dozens of songs in view.
function nearZoom(songs) {
  return Math.min(60, Math.max(1.5, Math.sqrt(songs / 150)));
}

let map = null;

// The page's map, where the page has one that is not drawn yet.
function begin() {
  const root = document.querySelector("[data-map]");
  if (root === (map?.root ?? null)) return;
  map?.leavePage();
  map = null;
  if (!root) return;
  const settings = JSON.parse(document.getElementById("map-settings").dataset.settings);
  const list = document.querySelector("[data-map-list]");
  list.open = false;
  root.querySelector("[data-map-status]").textContent = `Drawing ${plural(settings.plane.n, "song", "songs")} …`;
  map = new SongMap(root, settings);
  map.start().catch((error) => {
    root.querySelector("[data-map-status]").textContent = `${error.message} The picture and the list below show the same.`;
    root.dataset.ready = "failed";
    list.open = true;
  });
}

begin();
document.addEventListener("pagechange", begin);
