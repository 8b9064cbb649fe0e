// The panel of one song and the panel of a selection.

import { announce, element, icon, mark, plural } from "./dom.js";

export class SongPanel {
  constructor(root, settings, sprite, react) {
    this.root = root;
    this.settings = settings;
    this.sprite = sprite;
    this.react = react;
    this.hint = root.firstElementChild;
  }

  address(song) {
    return this.settings.track.replace("PUBLIC_ID", encodeURIComponent(song.public_id));
  }

  clear() {
    this.song = null;
    this.root.classList.remove("has-song");
    this.root.replaceChildren(this.hint);
  }

  show(song, value) {
    this.song = song;
    const cluster = this.settings.clusters.find(({ number }) => number === song.cluster);
    this.root.classList.add("has-song");
    const close = { type: "button", class: "icon-button map-close", "aria-label": "Close", onclick: () => this.clear() };
    this.root.replaceChildren(
      element("button", close, icon(this.sprite, "close")),
      element(
        "div",
        { class: "song" },
        element("a", { class: "title", href: this.address(song) }, song.title),
        element("span", { class: "by" }, song.artists || "Unknown artist"),
      ),
      element("div", { class: "map-song-row" }, cluster ? this.clusterMark(cluster) : null, song.genre ? element("span", { class: "small quiet" }, song.genre) : null, this.buttons(song, value)),
      element(
        "ul",
        { class: "map-traits" },
        ...song.traits.map(({ label, value: amount, text, share }) => this.trait(label, amount, text, share)),
      ),
      element("a", { class: "button map-open", href: this.address(song) }, "Open song"),
    );
  }

  clusterMark({ number, name }) {
    const key = number < 0 ? "noise" : number % 12;
    return element(
      "a",
      {
        class: "cluster-mark",
        href: this.settings.cluster.replace("-987", number),
        title: name[0].toUpperCase() + name.slice(1),
        "aria-label": `Sound group: ${name}`,
      },
      mark(this.sprite, key),
    );
  }

  trait(label, amount, text, share) {
    const meter = element("span", { class: "map-meter", "aria-hidden": "true" }, element("span"));
    meter.firstChild.style.left = `${(share * 100).toFixed(0)}%`;
    return element(
      "li",
      {},
      element("span", { class: "map-trait-name" }, label),
      element("span", { class: "map-trait-value" }, amount),
      meter,
      element("span", { class: "map-trait-text" }, text),
    );
  }

  buttons(song, value) {
    const button = (name, own, label) => {
      const pressed = value === own;
      const made = element(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-pressed": String(pressed),
          "aria-label": `${label} ${song.title}`,
          title: label,
        },
        icon(this.sprite, name),
      );
      made.addEventListener("click", () => this.react(song, pressed ? 0 : own));
      return made;
    };
    return element("div", { class: "reaction" }, button("heart", 1, "Like"), button("no", -1, "Not for me:"));
  }
}

const TITLES_SHOWN = 4;

export class SelectionPanel {
  constructor(root, source, settings, actions) {
    this.root = root;
    this.source = source;
    this.settings = settings;
    this.count = root.querySelector("[data-selection-count]");
    this.titles = root.querySelector("[data-selection-titles]");
    this.like = root.querySelector("[data-selection-like]");
    this.keep = root.querySelector("[data-selection-keep]");
    this.form = root.querySelector("[data-selection-form]");
    this.name = this.form.elements.name;
    this.note = root.querySelector("[data-selection-note]");
    root.querySelector("[data-selection-clear]").addEventListener("click", actions.clear);
    this.like.addEventListener("click", () => actions.likeAll(this.rows.slice(0, settings.like_limit)));
    this.keep.addEventListener("click", () => {
      this.form.hidden = false;
      this.name.focus();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      actions.keep(this.form, this.rows.slice(0, settings.playlist_limit));
    });
  }

  // `of` says whose songs they are, where they were not drawn around: "by Nirvana".
  async show(rows, of = "") {
    this.rows = rows;
    this.root.hidden = rows === null;
    this.form.hidden = true;
    if (rows === null) return;
    const text = rows.length ? `${plural(rows.length, "song", "songs")} ${of || "selected"}` : "No songs selected";
    this.count.textContent = text;
    announce(text);
    this.titles.textContent = "";
    const { like_limit: likes, playlist_limit: kept } = this.settings;
    this.like.textContent = rows.length > likes ? `Like the ${likes} in the middle` : "Like all";
    this.like.disabled = this.keep.disabled = rows.length === 0;
    this.note.textContent =
      rows.length > kept ? `A playlist takes the ${kept} in the middle.` : "";
    const songs = await this.source.songsIn(rows.slice(0, TITLES_SHOWN));
    if (this.rows !== rows) return;
    const more = rows.length - songs.length;
    this.titles.textContent =
      songs.map((song) => song.title).join(" · ") + (more > 0 && songs.length ? ` · and ${plural(more, "more", "more")}` : "");
  }
}
