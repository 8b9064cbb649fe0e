// What lies over the drawing and moves with it: hearts on liked songs, the rings around the song
// under the pointer, the one searched for and those of an artist, its title, and the shape drawn.

import { svg } from "./dom.js";

const HEARTS = 1500;

export class Overlay {
  constructor(root, tip, plot, sprite) {
    this.root = root;
    this.tip = tip;
    this.plot = plot;
    this.sprite = sprite;
    this.hearts = new Map();
    this.heartLayer = svg("g", { class: "map-hearts" });
    this.picked = new Map();
    this.pickedLayer = svg("g", { class: "map-picked" });
    this.ring = svg("circle", { class: "map-ring", r: 9 });
    this.found = svg("g", { class: "map-found" }, svg("circle", { r: 20 }), svg("circle", { r: 9 }));
    this.shape = svg("path", { class: "map-shape" });
    this.nameLayer = svg("g", { class: "map-names" });
    this.names = [];
    root.append(this.pickedLayer, this.heartLayer, this.nameLayer, this.found, this.ring, this.shape);
    this.at = { ring: -1, found: -1 };
    plot.onChange(() => this.place());
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

  // Names on the map, as a map has them: [{ text, x, y }], the most important first.
  setNames(names) {
    this.names = names.map((name) => ({ ...name, node: svg("text", {}, name.text) }));
    this.nameLayer.replaceChildren(...this.names.map(({ node }) => node));
    for (const name of this.names) name.width = name.node.getComputedTextLength();
    this.place();
  }

  // A name that would lie over another, or half outside, is left out.
  placeNames() {
    const taken = [];
    for (const { x, y, width, node } of this.names) {
      const [px, py] = this.plot.pixelOf(x, y);
      const box = [px - width / 2 - 6, py - 14, px + width / 2 + 6, py + 14];
      const outside = box[0] < 0 || box[2] > this.plot.width || box[1] < 0 || box[3] > this.plot.height;
      const hidden = outside || taken.some((other) => overlap(box, other));
      node.classList.toggle("is-hidden", hidden);
      if (hidden) continue;
      taken.push(box);
      node.setAttribute("transform", `translate(${px.toFixed(1)} ${py.toFixed(1)})`);
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

  setShape(points) {
    const path = points.length ? `M${points.map((p) => p.map(Math.round).join(" ")).join("L")}Z` : "";
    this.shape.setAttribute("d", path);
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
    const [x, y] = this.pixel(this.tipRow);
    const { offsetWidth, offsetHeight } = this.tip;
    const left = Math.min(Math.max(8, x - offsetWidth / 2), this.plot.width - offsetWidth - 8);
    const above = y - offsetHeight - 14;
    this.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(above < 8 ? y + 14 : above)}px)`;
  }

  pixel(row) {
    return this.plot.pixelOf(this.plot.points.x[row], this.plot.points.y[row]);
  }

  move(shape, row) {
    shape.classList.toggle("is-hidden", row < 0);
    if (row < 0) return;
    const [x, y] = this.pixel(row);
    shape.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  }

  place() {
    for (const [row, circle] of this.picked) this.move(circle, row);
    for (const [row, heart] of this.hearts) this.move(heart, row);
    this.move(this.ring, this.at.ring);
    this.move(this.found, this.at.found);
    this.placeNames();
    this.placeTip();
  }
}

function overlap(one, two) {
  return one[0] < two[2] && two[0] < one[2] && one[1] < two[3] && two[1] < one[3];
}
