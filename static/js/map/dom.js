// Elements without innerHTML: what comes from a catalogue is text, never markup.

const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function icon(sprite, name, className = "icon") {
  return svg("svg", { class: className, "aria-hidden": "true" }, svg("use", { href: `${sprite}#${name}` }));
}

// The symbol of a group in its colour, as ui.mark draws it on other pages.
export function mark(sprite, key) {
  return icon(sprite, `mark-${key}`, `glyph c-${key}`);
}

export function plural(number, one, many) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

export function announce(text) {
  const region = document.querySelector("[data-announce]");
  if (region) region.textContent = text;
}

// A value of an attribute with its unit.
export function spoken(value, unit) {
  if (unit === "BPM") return `${value.toFixed(0)} BPM`;
  if (unit === "dB") return `${value.toFixed(0)} dB`.replace("-", "−");
  if (unit === "share") return `${(100 * value).toFixed(0)}%`;
  if (Number.isInteger(value) || unit === "points") return value.toFixed(0);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
}
