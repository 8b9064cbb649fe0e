// What lies over the drawing and moves with it: names, hearts on liked songs, the rings around the
// song under the pointer, the one chosen and those of an artist, its title, paths and the shape drawn.

import { svg } from "./dom.js";

const HEARTS = 1500;
// Farther out than this from where the names were placed they would lie over each other.
const TOO_FAR = 0.92;
// Pixels from a place to the middle of a name above or below it: half the name's height and some.
const AWAY = { group: 16, artist: 13, title: 12 };

export class Overlay {
  constructor(root, tip, plot, sprite, placeOf) {
    this.root = root;
    this.tip = tip;
    this.plot = plot;
    this.sprite = sprite;
    this.placeOf = placeOf;
    this.hearts = new Map();
    this.heartLayer = svg("g", { class: "map-hearts" });
    this.picked = new Map();
    this.pickedLayer = svg("g", { class: "map-picked" });
    this.routeLayer = svg("g", { class: "map-route" });
    this.routeLine = svg("path", { class: "map-route-line" });
    this.stops = [];
    this.ring = svg("circle", { class: "map-ring", r: 9 });
    this.sounding = svg("circle", { class: "map-sounding", r: 12 });
    this.found = svg("g", { class: "map-found" }, svg("circle", { r: 20 }), svg("circle", { r: 9 }));
    this.shape = svg("path", { class: "map-shape" });
    this.nameLayer = svg("g", { class: "map-names" });
    this.names = new Map();
    root.append(
      this.pickedLayer, this.heartLayer, this.nameLayer, this.routeLayer, this.found, this.sounding, this.ring, this.shape,
    );
    this.at = { ring: -1, found: -1, sounding: -1 };
    plot.on("change", () => this.place());
  }

  setLiked(rows) {
    for (const [row, heart] of this.hearts) {
      if (!rows.has(row)) {
        heart.remove();
        this.hearts.delete(row);
      }
    }
    for (const row of rows) {
      if (this.hearts.size >= HEARTS) break;
      if (this.hearts.has(row)) continue;
      const heart = svg("use", { href: `${this.sprite}#heart`, width: 20, height: 20, x: -10, y: -10 });
      this.hearts.set(row, heart);
      this.heartLayer.append(heart);
    }
    this.place();
  }

  setPicked(rows) {
    this.picked = new Map(rows.map((row) => [row, svg("circle", { r: 7 })]));
    this.pickedLayer.replaceChildren(...this.picked.values());
    this.place();
  }

  // A path over songs: a line with a numbered stop at each of them.
  setRoute(rows) {
    this.stops = rows.map((row, i) => ({
      row,
      node: svg("g", { class: "map-stop" }, svg("circle", { r: 10 }), svg("text", {}, String(i + 1))),
    }));
    this.routeLayer.replaceChildren(this.routeLine, ...this.stops.map(({ node }) => node));
    this.routeLine.classList.toggle("is-hidden", !rows.length);
    this.place();
  }

  // Names as the server placed them for this zoom: [{ kind, text, x, y, key, group, side }].
  // What stays is moved, so that nothing flickers.
  setNames(names, zoom, isOn) {
    const kept = new Map();
    for (const name of names) {
      const key = `${name.kind} ${name.key} ${name.text}`;
      const node = this.names.get(key)?.node ?? svg("text", { class: `name-${name.kind}` }, name.text);
      if (!node.isConnected) this.nameLayer.append(node);
      kept.set(key, { ...name, node, width: this.names.get(key)?.width ?? node.getComputedTextLength() });
    }
    for (const [key, { node }] of this.names) if (!kept.has(key)) node.remove();
    this.names = kept;
    this.namesZoom = zoom;
    this.namesOn = isOn;
    this.placeNames();
  }

  placeNames() {
    const far = this.plot.view.zoom < this.namesZoom * TOO_FAR;
    for (const { kind, group, x, y, side, node, width } of this.names.values()) {
      let [px, py] = this.plot.pixelOf(x, y);
      const half = width / 2 + 4;
      const outside = px < 0 || px > this.plot.width || py < 0 || py > this.plot.height;
      // The name of a group stays in view as long as its place does; others are left out.
      const cut = px < half || px > this.plot.width - half;
      if (kind === "group") px = Math.min(Math.max(px, half), this.plot.width - half);
      const away = side * AWAY[kind];
      const low = py + away < 8 || py + away > this.plot.height - 8;
      const hidden = outside || (kind !== "group" && (far || cut || low)) || !this.namesOn(group);
      node.classList.toggle("is-hidden", hidden);
      if (!hidden) node.setAttribute("transform", `translate(${px.toFixed(1)} ${(py + away).toFixed(1)})`);
    }
  }

  setRing(row) {
    this.at.ring = row;
    this.place();
  }

  setFound(row) {
    this.at.found = row;
    this.place();
  }

  setSounding(row) {
    this.at.sounding = row;
    this.place();
  }

  setShape(points, closed = true) {
    const path = points.length ? `M${points.map((p) => p.map(Math.round).join(" ")).join("L")}${closed ? "Z" : ""}` : "";
    this.shape.setAttribute("d", path);
    this.shape.classList.toggle("is-line", !closed);
  }

  setTip(row, text) {
    this.tip.hidden = row < 0 || !text;
    if (this.tip.hidden) return;
    this.tip.replaceChildren(...text);
    this.tipRow = row;
    this.placeTip();
  }

  placeTip() {
    if (this.tip.hidden) return;
    const at = this.pixel(this.tipRow);
    if (!at) return;
    const [x, y] = at;
    const { offsetWidth, offsetHeight } = this.tip;
    const left = Math.min(Math.max(8, x - offsetWidth / 2), this.plot.width - offsetWidth - 8);
    const above = y - offsetHeight - 14;
    this.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(above < 8 ? y + 14 : above)}px)`;
  }

  pixel(row) {
    const place = this.placeOf(row);
    return place && this.plot.pixelOf(...place);
  }

  move(shape, row) {
    const at = row < 0 ? null : this.pixel(row);
    shape.classList.toggle("is-hidden", !at);
    if (at) shape.setAttribute("transform", `translate(${at[0].toFixed(1)} ${at[1].toFixed(1)})`);
  }

  place() {
    for (const [row, circle] of this.picked) this.move(circle, row);
    for (const [row, heart] of this.hearts) this.move(heart, row);
    for (const { row, node } of this.stops) this.move(node, row);
    const route = this.stops.map(({ row }) => this.pixel(row)).filter(Boolean);
    if (route.length) this.routeLine.setAttribute("d", `M${route.map((p) => p.map(Math.round).join(" ")).join("L")}`);
    this.move(this.ring, this.at.ring);
    this.move(this.found, this.at.found);
    this.move(this.sounding, this.at.sounding);
    this.placeNames();
    this.placeTip();
  }
}
