// The map: loads the points, draws them, and ties legend, search, panels and gestures together.

import { announce, capital, element, spoken } from "./dom.js";
import { Source, ask } from "./data.js";
import { Gestures } from "./gestures.js";
import { byAmount, byCluster, byFlag, byName, middles } from "./grouping.js";
import { PlaneIndex } from "./index.js";
import { Legend } from "./legend.js";
import { Overlay } from "./overlay.js";
import { SelectionPanel, SongPanel } from "./panels.js";
import { Plot } from "./plot.js";
import { Search } from "./search.js";
import { hasWebGL, loaded } from "./start.js";

const SETTLED = 70;
const NEIGHBOURS = 24;
const SPREAD = 0.75;

class SongMap {
  constructor(root, settings) {
    this.root = root;
    this.settings = settings;
    this.source = new Source(settings);
    this.liked = new Set();
    this.disliked = new Set();
    this.selection = null;
    this.selected = null;
    this.at = -1;
    this.isOn = (row) => this.shown(row);
    this.isVisible = (row) => this.colouring.groups[this.colouring.of[row]].on;
  }

  find(name) {
    return this.root.querySelector(`[data-map-${name}]`);
  }

  async start() {
    const [points, mine] = await Promise.all([
      this.source.points(),
      this.source.mine(),
      loaded(this.settings.plotly),
    ]);
    this.points = points;
    this.liked = new Set(mine.liked);
    this.disliked = new Set(mine.disliked);
    this.hadDislikes = this.disliked.size > 0;
    this.frame = this.find("frame");
    this.plot = new Plot(this.find("plot"), points);
    this.plot.plotly = window.Plotly;
    this.plot.measure();
    this.plot.view = { ...this.plot.home };
    this.index = new PlaneIndex(points.x, points.y);
    this.parts();
    this.colouring = byCluster(points.labels, this.settings.clusters);
    this.legend.show(this.colouring);
    const { cluster } = this.settings.show;
    const wanted = this.colouring.groups.find(({ number }) => number === cluster);
    if (wanted) for (const group of this.colouring.groups) group.on = group === wanted;
    this.legend.refresh();
    await this.draw();
    // Plotly says so in a box of its own instead of failing.
    if (this.frame.querySelector(".no-webgl")) throw new Error("This browser cannot draw the map.");
    this.overlay.setLiked(this.liked);
    this.find("status").remove();
    this.root.dataset.ready = "true";
    if (this.settings.show.song) this.goTo(this.settings.show.song);
    if (this.settings.show.songs) this.showAll(this.settings.show.songs);
    this.watch();
  }

  parts() {
    const { sprite } = this.settings;
    this.overlay = new Overlay(this.find("over"), this.find("tip"), this.plot, sprite);
    this.legend = new Legend(this.find("legend"), sprite, () => this.draw());
    this.panel = new SongPanel(this.find("song"), this.settings, sprite, (song, value) =>
      this.guarded(() => this.react(song, value)),
    );
    this.picked = new SelectionPanel(this.find("selection"), this.source, this.settings, {
      clear: () => this.select(null),
      likeAll: (rows) => this.guarded(() => this.likeAll(rows)),
      keep: (form, rows) => this.guarded(() => this.keep(form, rows)),
    });
    this.gestures = new Gestures(this.frame, this.plot, {
      point: (...at) => this.point(...at),
      leave: () => this.leave(),
      press: (...at) => this.press(...at),
      shape: (path) => this.overlay.setShape(path),
      select: (polygon) =>
        this.select(this.index.fromMiddle(this.index.inside(polygon, this.isVisible), ...this.plot.pixel())),
      enter: () => this.guarded(() => this.open()),
      escape: () => this.select(null),
      travelled: () => this.travelled(),
    });
    this.search = new Search(this.find("search"), this.source, sprite, (song) => this.goTo(song));
  }

  watch() {
    this.find("plot").on("plotly_webglcontextlost", () =>
      this.guarded(() => {
        throw new Error("The graphics driver dropped the drawing. Reload the page.");
      }),
    );
    document.addEventListener("themechange", () => {
      this.draw();
      this.legend.paint();
    });
    new ResizeObserver(() => {
      this.plot.measure();
      this.draw();
      this.overlay.place();
    }).observe(this.frame);
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
      const problem = this.find("problem");
      problem.textContent = error.message;
      problem.hidden = false;
      setTimeout(() => {
        problem.hidden = true;
      }, 8000);
    }
  }

  // ---- what is drawn ----

  shown(row) {
    if (!this.isVisible(row) || this.disliked.has(row)) return false;
    return this.selected === null || this.selected.has(row);
  }

  draw() {
    this.overlay.setNames(this.colouring.kind === "names" ? this.names() : []);
    return this.plot.draw(this.colouring, this.isOn);
  }

  // A name for each group that is shown, in the middle of its songs. Groups that lie all over the
  // map have no place of their own, so they have no name on it.
  names() {
    const { groups, of } = this.colouring;
    return middles(this.points, of, groups.length)
      .map((middle, i) => ({ ...middle, text: capital(groups[i].label), group: groups[i] }))
      .filter(({ group, spread }) => group.on && group.count > 0 && spread < SPREAD)
      .sort((a, b) => b.group.count - a.group.count);
  }

  async colourBy(select) {
    const option = select.selectedOptions[0];
    const name = option.value;
    if (name === "cluster") this.colouring = byCluster(this.points.labels, this.settings.clusters);
    else {
      const column = await this.source.column(name);
      if (select.value !== name) return;
      const { unit } = option.dataset;
      this.colouring = column.named ? byName(column) : unit === "flag" ? byFlag(column) : byAmount(column);
    }
    this.legend.show(this.colouring, (value) => spoken(value, option.dataset.unit));
    this.draw();
  }

  // ---- one song ----

  point(x, y, reach) {
    const [unitX, unitY] = this.plot.pixel();
    const place = this.plot.placeOf(x, y);
    this.hover(this.index.nearest(...place, reach * unitX, reach * unitY, this.isVisible), place);
  }

  hover(row, place) {
    this.frame.classList.toggle("is-over-song", row >= 0);
    if (row === this.at) return;
    this.at = row;
    this.overlay.setRing(row);
    clearTimeout(this.settling);
    if (row < 0) {
      this.overlay.setTip(-1);
      return;
    }
    if (this.source.known(row)) this.showTip(row);
    else {
      this.overlay.setTip(-1);
      this.settling = setTimeout(() => this.guarded(() => this.load(row, place)), SETTLED);
    }
  }

  // Fetches the song and those around it: where the pointer goes next they are there already.
  async load(row, [x, y]) {
    const [unitX, unitY] = this.plot.pixel();
    const around = [];
    for (const other of this.index.near(x - 40 * unitX, x + 40 * unitX, y - 40 * unitY, y + 40 * unitY)) {
      if (around.length >= NEIGHBOURS) break;
      if (other !== row && this.isVisible(other)) around.push(other);
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
    this.showSong(song);
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
    this.frame.classList.remove("is-over-song");
  }

  press(x, y, reach, event) {
    this.point(x, y, reach);
    // A finger has no way to point first: it shows the song, and the panel's link opens it.
    if (event.pointerType === "mouse" && this.gestures.tool === "look") this.guarded(() => this.open(event));
  }

  async open(event) {
    const row = this.at;
    if (row < 0) return;
    const [song] = await this.source.songsIn([row]);
    if (!song) return;
    const address = this.panel.address(song);
    if (event && event.shiftKey) window.open(address, "_blank", "noopener");
    else window.location.assign(address);
  }

  // Arrow keys move the map under its middle; the song nearest to it is announced.
  travelled() {
    clearTimeout(this.travelling);
    this.travelling = setTimeout(() => {
      this.point(this.plot.width / 2, this.plot.height / 2, 120);
      if (this.at < 0) return;
      this.guarded(async () => {
        const [song] = await this.source.songsIn([this.at]);
        if (song) announce(`${song.title}, ${song.artists}. Enter opens it.`);
      });
    }, 250);
  }

  goTo(song) {
    const { x, y } = this.points;
    this.source.keep([song]);
    const zoom = Math.max(this.plot.view.zoom, this.points.n > 2000 ? 5 : 2);
    this.plot.look({ x: x[song.row], y: y[song.row], zoom });
    this.overlay.setFound(song.row);
    this.showSong(song);
    announce(`${song.title} is in the middle of the map.`);
  }

  // The songs of an artist or an album: selected, ringed, and as near as all of them allow.
  showAll({ rows, of }) {
    const { x, y } = this.points;
    this.plot.fit(rows.map((row) => x[row]), rows.map((row) => y[row]));
    this.select(rows, of);
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

  select(rows, of = "") {
    this.selected = rows && rows.length ? new Set(rows) : null;
    this.overlay.setPicked(of ? rows : []);
    this.guarded(() => this.picked.show(rows, of));
    this.draw();
  }

  async post(address, fields) {
    const body = new URLSearchParams({ csrf_token: this.settings.csrf_token, ...fields });
    return (await ask(address, {}, { method: "POST", body })).json();
  }
}

const root = document.querySelector("[data-map]");
if (root) {
  const settings = JSON.parse(document.getElementById("map-settings").dataset.settings);
  const list = document.querySelector("[data-map-list]");
  const refuse = (message) => {
    root.querySelector("[data-map-status]").textContent = message;
    root.dataset.ready = "failed";
    list.open = true;
  };
  list.open = false;
  if (!hasWebGL()) refuse("This browser cannot draw the map: it has no WebGL. The list below shows the same.");
  else new SongMap(root, settings).start().catch((error) => refuse(`${error.message} The list below shows the same.`));
}
