// Finding a song by title or artist: a combobox whose answer is a place on the map.

import { element, mark } from "./dom.js";

const WAIT = 160;

export class Search {
  constructor(form, source, sprite, onFound) {
    this.input = form.querySelector("input");
    this.list = form.querySelector("[role=listbox]");
    this.source = source;
    this.sprite = sprite;
    this.onFound = onFound;
    this.active = -1;
    this.songs = [];
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.choose(Math.max(0, this.active));
    });
    this.input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), WAIT);
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("focus", () => {
      if (this.songs.length) this.open(true);
    });
    this.input.addEventListener("blur", () => this.open(false));
    // Pressing an option must not take the focus away before the click arrives.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  async ask() {
    const text = this.input.value.trim();
    this.running?.abort();
    if (!text) {
      this.show([]);
      return;
    }
    this.running = new AbortController();
    const { signal } = this.running;
    try {
      const songs = await this.source.search(text, signal);
      if (signal.aborted) return;
      this.source.keep(songs);
      this.show(songs, text);
    } catch (error) {
      if (error.name !== "AbortError") this.show([], text, error.message);
    }
  }

  show(songs, text = "", problem = "") {
    this.songs = songs;
    this.active = -1;
    this.list.replaceChildren(
      ...songs.map((song, i) => {
        const option = element(
          "li",
          { role: "option", id: `map-match-${i}`, "aria-selected": "false" },
          mark(this.sprite, song.cluster < 0 ? "noise" : song.cluster % 12),
          element("span", { class: "map-match-title" }, song.title),
          element("span", { class: "map-match-by" }, song.artists),
        );
        option.addEventListener("click", () => this.choose(i));
        return option;
      }),
    );
    if (text && !songs.length) {
      this.list.append(
        element("li", { role: "option", "aria-disabled": "true", class: "map-match-none" }, problem || `No results for “${text}” on the map.`),
      );
    }
    this.open(Boolean(text));
  }

  open(wanted) {
    this.list.hidden = !wanted || !this.list.children.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    if (this.list.hidden) this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move && this.songs.length) {
      event.preventDefault();
      this.open(true);
      this.active = (this.active + move + this.songs.length) % this.songs.length;
      [...this.list.children].forEach((option, i) => {
        option.setAttribute("aria-selected", String(i === this.active));
      });
      this.input.setAttribute("aria-activedescendant", `map-match-${this.active}`);
      this.list.children[this.active].scrollIntoView({ block: "nearest" });
    } else if (event.key === "Escape") {
      this.open(false);
    }
  }

  async choose(i) {
    // Whoever types and presses Enter at once means the first answer that has yet to come.
    if (!this.songs.length && this.input.value.trim()) {
      clearTimeout(this.timer);
      await this.ask();
    }
    const song = this.songs[i];
    if (!song) return;
    this.input.value = song.title;
    this.open(false);
    this.onFound(song);
  }
}
