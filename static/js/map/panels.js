// The panel of one song and the panel of a selection.

import { announce, element, icon, mark, plural } from "./dom.js";

export class SongPanel {
  constructor(root, settings, sprite, actions) {
    this.root = root;
    this.settings = settings;
    this.sprite = sprite;
    this.actions = actions;
    this.hint = root.firstElementChild;
  }

  address(song) {
    return this.settings.track.replace("PUBLIC_ID", encodeURIComponent(song.public_id));
  }

  clear() {
    this.root.classList.remove("has-song");
    this.root.replaceChildren(this.hint);
  }

  hintAt(text) {
    this.root.classList.remove("has-song");
    this.root.replaceChildren(element("p", { class: "map-hint" }, text));
  }

  focus() {
    this.root.querySelector(".title")?.focus();
  }

  show(song, value) {
    const cluster = this.settings.clusters.find(({ number }) => number === song.cluster);
    this.root.classList.add("has-song");
    this.root.replaceChildren(
      element("button", { type: "button", class: "icon-button map-close", "aria-label": "Close", onclick: () => this.actions.close() }, icon(this.sprite, "close")),
      element(
        "div",
        { class: "map-song-head" },
        song.cover ? element("img", { class: "map-cover", src: song.cover, alt: "", width: 64, height: 64 }) : null,
        element(
          "div",
          { class: "song" },
          element("a", { class: "title", href: this.address(song) }, song.title),
          element("span", { class: "by" }, song.artists || "Unknown artist"),
        ),
      ),
      element(
        "div",
        { class: "map-song-row" },
        this.playButton(song),
        cluster ? this.clusterMark(cluster) : null,
        song.genre ? element("span", { class: "small quiet map-genre" }, song.genre) : null,
        this.buttons(song, value),
      ),
      element(
        "ul",
        { class: "map-traits" },
        ...song.traits.map(({ label, value: amount, text, share }) => this.trait(label, amount, text, share)),
      ),
      element(
        "div",
        { class: "map-song-actions" },
        element("a", { class: "button", href: this.address(song) }, "Open song"),
        element("button", { type: "button", class: "button button-quiet", onclick: () => this.actions.path(song) }, "Path from here"),
      ),
    );
  }

  playButton(song) {
    if (!song.sound || !this.settings.audible) return null;
    const button = { type: "button", class: "icon-button", "data-play": song.public_id, "aria-label": `Play ${song.title}`, title: "Play" };
    return element("button", button, icon(this.sprite, "play"));
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
      made.addEventListener("click", () => this.actions.react(song, pressed ? 0 : own));
      return made;
    };
    return element("div", { class: "reaction" }, button("heart", 1, "Like"), button("no", -1, "Not for me:"));
  }
}

const TITLES_SHOWN = 4;
const QUEUE_LENGTH = 200;

export class SelectionPanel {
  constructor(root, source, settings, actions) {
    this.root = root;
    this.source = source;
    this.settings = settings;
    const part = (name) => root.querySelector(`[data-selection-${name}]`);
    this.count = part("count");
    this.titles = part("titles");
    this.play = part("play");
    this.radio = part("radio");
    this.open = part("path");
    this.like = part("like");
    this.keep = part("keep");
    this.form = part("form");
    this.name = this.form.elements.name;
    this.note = part("note");
    part("clear").addEventListener("click", actions.clear);
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

  // `of` says whose songs they are, where they were not drawn around: "by Nirvana". `path`: the
  // ends of a path; `count`: how many there are, where only some came.
  async show(rows, of = "", { path = null, count = rows?.length } = {}) {
    this.rows = rows;
    this.root.hidden = rows === null;
    this.form.hidden = true;
    if (rows === null) return;
    const text = rows.length ? `${plural(count, "song", "songs")} ${of || "selected"}` : "No songs selected";
    this.count.textContent = text;
    announce(text);
    this.titles.textContent = "";
    const { like_limit: likes, playlist_limit: kept } = this.settings;
    this.like.textContent = count > likes ? `Like the ${likes} in the middle` : "Like them";
    this.like.disabled = this.keep.disabled = rows.length === 0;
    this.play.hidden = this.radio.hidden = true;
    this.like.hidden = this.open.hidden = Boolean(path);
    this.open.hidden = !path;
    this.note.textContent = count > kept ? `A playlist takes the ${kept} in the middle.` : "";
    const songs = await this.source.songsIn(rows.slice(0, Math.max(TITLES_SHOWN, this.settings.radio_seeds)));
    if (this.rows !== rows) return;
    const shown = songs.slice(0, path ? songs.length : TITLES_SHOWN);
    const more = count - shown.length;
    this.titles.textContent =
      shown.map((song) => song.title).join(path ? " → " : " · ") + (more > 0 && shown.length ? ` · and ${plural(more, "more", "more")}` : "");
    if (!songs.length) return;
    this.offerRadio(songs, path);
    if (path) this.open.href = address(this.settings.path_page, { from: path[0], to: path[1] });
    if (this.settings.audible) await this.offerPlay(rows);
  }

  offerRadio(songs, path) {
    const of = songs.slice(0, this.settings.radio_seeds).map((song) => song.public_id).join(",");
    this.radio.hidden = Boolean(path);
    this.radio.href = address(this.settings.radio, { of });
    // Where songs can be heard the radio starts at once; else its page lists them.
    if (this.settings.audible) this.radio.dataset.playAll = address(this.settings.radio_queue, { of });
  }

  async offerPlay(rows) {
    const songs = await this.source.songsIn(rows.slice(0, QUEUE_LENGTH));
    if (this.rows !== rows || !songs.some((song) => song.sound)) return;
    this.play.dataset.playAll = address(this.settings.queue, { tracks: songs.map((song) => song.public_id).join(",") });
    this.play.hidden = false;
  }
}

function address(path, parameters) {
  const url = new URL(path, window.location.href);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.pathname + url.search;
}
