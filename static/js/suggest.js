// A field that suggests songs and artists while one types: an ARIA combobox. What is chosen is sent
// by its id. Without this script the form sends the words, and the page offers what they may mean.
"use strict";

(() => {
  const WAIT = 120;
  const fields = new WeakMap();
  let made = 0;

  class Field {
    constructor(box) {
      made += 1;
      this.box = box;
      this.input = box.querySelector("input");
      this.name = this.input.name;
      this.list = Object.assign(document.createElement("ul"), { id: `song-options-${made}`, className: "song-options", hidden: true });
      this.list.setAttribute("role", "listbox");
      this.list.setAttribute("aria-label", "Suggestions");
      box.append(this.list);
      for (const [name, value] of Object.entries({
        role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id,
      })) this.input.setAttribute(name, value);
      this.clear();
      // Pressing an option must not take the focus away before the click arrives.
      this.list.addEventListener("pointerdown", (event) => event.preventDefault());
      this.list.addEventListener("click", (event) => {
        const option = event.target.closest("[role=option]");
        if (option) this.choose([...this.list.children].indexOf(option));
      });
      this.input.addEventListener("input", () => this.typed());
      this.input.addEventListener("keydown", (event) => this.key(event));
      this.input.addEventListener("blur", () => this.open(false));
      this.input.addEventListener("focus", () => this.open(this.items.length > 0));
    }

    clear() {
      this.items = [];
      this.active = -1;
      this.list.replaceChildren();
      this.open(false);
    }

    // What was chosen before no longer counts: the words do.
    typed() {
      this.box.querySelector("input[type=hidden]")?.remove();
      this.input.name = this.name;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), WAIT);
    }

    async ask() {
      const text = this.input.value.trim();
      this.running?.abort();
      if (!text) return void this.clear();
      this.running = new AbortController();
      const { signal } = this.running;
      try {
        const address = `${this.box.dataset.suggest}?q=${encodeURIComponent(text)}`;
        const answer = await fetch(address, { signal, credentials: "same-origin", headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        const found = await answer.json();
        if (!signal.aborted) this.show(found, text);
      } catch (error) {
        // The form still searches by the words.
        if (error.name !== "AbortError") this.clear();
      }
    }

    show({ items, corrected }, text) {
      // Nobody wants a path from an artist; only a radio can start from one.
      this.items = items.filter((item) => item.kind === "song" || "suggestByKind" in this.box.dataset);
      this.active = -1;
      this.list.replaceChildren(...this.items.map((item, at) => {
        const option = document.createElement("li");
        option.id = `${this.list.id}-${at}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        for (const [name, words] of [["title", item.title], ["by", item.detail]]) {
          const part = Object.assign(document.createElement("span"), { className: name, textContent: words, dir: "auto" });
          option.append(part, " ");
        }
        return option;
      }));
      const note = corrected ? `No results for “${text}”. Showing “${corrected}”.` : `No results for “${text}”.`;
      if (corrected || !this.items.length) {
        const line = Object.assign(document.createElement("li"), { className: "song-options-note", textContent: note });
        line.setAttribute("role", "option");
        line.setAttribute("aria-disabled", "true");
        this.list.append(line);
      }
      this.open(document.activeElement === this.input);
    }

    open(wanted) {
      this.list.hidden = !wanted || !this.list.children.length;
      this.input.setAttribute("aria-expanded", String(!this.list.hidden));
      if (this.list.hidden) this.input.removeAttribute("aria-activedescendant");
    }

    mark(at) {
      this.active = at;
      for (const [i, option] of [...this.list.children].entries()) {
        if (i < this.items.length) option.setAttribute("aria-selected", String(i === at));
      }
      this.input.setAttribute("aria-activedescendant", this.list.children[at].id);
      this.list.children[at].scrollIntoView({ block: "nearest" });
    }

    key(event) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && this.items.length) {
        event.preventDefault();
        this.open(true);
        const from = this.active < 0 && step < 0 ? 0 : this.active;
        this.mark((from + step + this.items.length) % this.items.length);
      } else if (event.key === "Enter" && this.active >= 0 && !this.list.hidden) {
        event.preventDefault();
        this.choose(this.active);
      } else if (event.key === "Escape" && !this.list.hidden) {
        event.preventDefault();
        this.open(false);
      }
    }

    choose(at) {
      const item = this.items[at];
      if (!item) return;
      this.box.querySelector("input[type=hidden]")?.remove();
      const name = "suggestByKind" in this.box.dataset ? item.kind : this.name;
      this.box.append(Object.assign(document.createElement("input"), { type: "hidden", name, value: item.id }));
      this.input.value = item.title;
      this.input.removeAttribute("name");
      this.clear();
      const { form } = this.input;
      const rest = [...form.querySelectorAll("[data-suggest] input[role=combobox]")].find((other) => other.name);
      if ("suggestSubmit" in this.box.dataset) form.requestSubmit();
      else (rest || form.querySelector("button"))?.focus();
    }
  }

  const show = () => {
    for (const box of document.querySelectorAll("[data-suggest]")) {
      if (!fields.has(box)) fields.set(box, new Field(box));
    }
  };
  document.addEventListener("pagechange", show);
  show();
})();
