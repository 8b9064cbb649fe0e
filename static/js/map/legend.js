// The legend filters: a click turns a group on or off, a second one shows it alone.

import { element, mark, plural, svg } from "./dom.js";

export class Legend {
  constructor(root, sprite, onFilter) {
    this.root = root;
    this.sprite = sprite;
    this.onFilter = onFilter;
    this.all = root.querySelector("[data-legend-all]");
    this.body = root.querySelector("[data-legend-body]");
    this.all.addEventListener("click", () => this.only(null));
  }

  show(colouring, format) {
    this.colouring = colouring;
    this.format = format;
    this.body.replaceChildren(
      colouring.kind === "amounts" ? this.scale() : this.list(),
    );
    this.refresh();
  }

  list() {
    this.buttons = this.colouring.groups.map((group) => {
      const toggle = element(
        "button",
        { type: "button", class: "legend-toggle", "aria-pressed": "true", title: `${group.label}: show or hide` },
        mark(this.sprite, group.key),
        element("span", { class: "legend-name" }, group.label),
        element("span", { class: "legend-count" }, group.count.toLocaleString("en")),
      );
      toggle.addEventListener("click", (event) => {
        if (event.detail > 1) this.only(group);
        else this.toggle(group);
      });
      return toggle;
    });
    return element(
      "ul",
      { class: "legend-list" },
      ...this.buttons.map((toggle, i) => {
        const group = this.colouring.groups[i];
        const only = element(
          "button",
          { type: "button", class: "legend-only", "aria-label": `Only ${group.label}` },
          "Only",
        );
        only.addEventListener("click", () => this.only(group));
        return element("li", {}, toggle, only);
      }),
    );
  }

  toggle(group) {
    group.on = !group.on;
    this.changed();
  }

  // Shows one group alone; asked again, or without one, shows all.
  only(group) {
    const { groups } = this.colouring;
    const alone = group && group.on && groups.every((other) => other === group || !other.on);
    for (const other of groups) other.on = !group || alone || other === group;
    this.changed();
  }

  // A ramp of colours with a slider at either end for what to show.
  scale() {
    const { groups, low, high, bins } = this.colouring;
    const bars = groups.slice(0, bins);
    const most = Math.max(1, ...bars.map((group) => group.count));
    this.bars = bars.map((group, i) => {
      const height = Math.max(2, (group.count / most) * 36);
      return svg("rect", { x: i * 20, y: 40 - height, width: 19, height });
    });
    const description = `How many songs have how much, from ${this.format(low)} to ${this.format(high)}`;
    const histogram = svg(
      "svg",
      {
        class: "legend-ramp",
        viewBox: `0 0 ${bins * 20 - 1} 40`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": description,
      },
      ...this.bars,
    );
    const value = (step) => this.format(low + ((high - low) * step) / bins);
    const slider = (label, start) =>
      element("input", { type: "range", min: 0, max: bins, value: start, "aria-label": label });
    const from = slider("Show from", 0);
    const to = slider("Show up to", bins);
    const text = element("output", { class: "legend-range" });
    this.span = element("span", { class: "legend-span" });
    const apply = () => {
      const ends = [Number(from.value), Number(to.value)].sort((a, b) => a - b);
      if (ends[0] === ends[1]) ends[ends[1] < bins ? 1 : 0] += ends[1] < bins ? 1 : -1;
      bars.forEach((group, i) => {
        group.on = i >= ends[0] && i < ends[1];
      });
      const unknown = groups[bins];
      if (unknown) unknown.on = ends[0] === 0 && ends[1] === bins;
      say(ends);
    };
    const say = (ends) => {
      from.setAttribute("aria-valuetext", value(ends[0]));
      to.setAttribute("aria-valuetext", value(ends[1]));
      text.textContent = `${value(ends[0])} to ${value(ends[1])}`;
      this.span.style.left = `${(100 * ends[0]) / bins}%`;
      this.span.style.right = `${100 - (100 * ends[1]) / bins}%`;
    };
    for (const input of [from, to]) {
      input.addEventListener("input", () => {
        apply();
        this.changed();
      });
    }
    this.reset = () => {
      from.value = 0;
      to.value = bins;
      say([0, bins]);
    };
    this.reset();
    const unknown = groups[bins]?.count || 0;
    return element(
      "div",
      { class: "legend-scale" },
      histogram,
      element("div", { class: "legend-sliders" }, this.span, from, to),
      element("p", { class: "legend-ends" }, text),
      unknown ? element("p", { class: "legend-ends" }, `Unknown for ${plural(unknown, "song", "songs")}.`) : null,
    );
  }

  changed() {
    this.refresh();
    this.onFilter();
  }

  refresh() {
    const { groups, kind } = this.colouring;
    const filtered = groups.some((group) => !group.on);
    this.all.hidden = !filtered;
    if (kind === "names") {
      groups.forEach((group, i) => this.buttons[i].setAttribute("aria-pressed", String(group.on)));
      return;
    }
    if (!filtered) this.reset();
    this.paint();
  }

  // The bars' colours are computed, so a change of theme repaints them.
  paint() {
    if (this.colouring?.kind !== "amounts") return;
    this.bars.forEach((bar, i) => {
      bar.setAttribute("fill", this.colouring.groups[i].colour());
      bar.setAttribute("opacity", this.colouring.groups[i].on ? 1 : 0.2);
    });
  }
}
