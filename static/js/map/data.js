// The map's bytes as typed arrays, and titles fetched in batches when somebody asks for them.
// The byte formats are written down in songrec/web/map/encoding.py and density.py.

const VERSION = 1;
const POINTS_HEADER = 44;
const COLUMN_HEADER = 20;
const VIEW_HEADER = 24;
const STEPS = 65535;

export class MapError extends Error {}

// What went wrong, as a sentence for the person: the server's own where it sent one.
async function checked(response) {
  if (response.ok) return response;
  let message = "";
  if ((response.headers.get("Content-Type") || "").includes("json")) {
    message = (await response.json()).message || "";
  }
  throw new MapError(message || `The server answered ${response.status}. Reload the page.`);
}

export async function ask(address, parameters, options = {}) {
  const url = new URL(address, window.location.href);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  const response = await fetch(url, {
    credentials: "same-origin",
    ...options,
    headers: { Accept: "application/json", ...options.headers },
  });
  return checked(response);
}

function magic(view, expected) {
  const found = String.fromCharCode(...new Uint8Array(view.buffer, 0, 4));
  if (found !== expected || view.getUint8(4) !== VERSION) {
    throw new MapError("The map's data has a format that this page does not know. Reload the page.");
  }
}

// Uint16Array and Int16Array read in the machine's byte order; nearly all machines are
// little-endian, and the others get the bytes swapped.
function words(Type, buffer, offset, n) {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) return new Type(buffer, offset, n);
  const view = new DataView(buffer, offset);
  return Type.from({ length: n }, (_, i) =>
    Type === Int16Array ? view.getInt16(2 * i, true) : view.getUint16(2 * i, true),
  );
}

function spread(codes, low, high) {
  const values = new Float32Array(codes.length);
  const step = (high - low) / STEPS;
  for (let i = 0; i < codes.length; i += 1) values[i] = low + codes[i] * step;
  return values;
}

export function decodePoints(buffer) {
  const view = new DataView(buffer);
  magic(view, "SRMP");
  const n = view.getUint32(8, true);
  const float = (i) => view.getFloat32(12 + 4 * i, true);
  const x = spread(words(Uint16Array, buffer, POINTS_HEADER, n), float(0), float(1));
  const y = spread(words(Uint16Array, buffer, POINTS_HEADER + 2 * n, n), float(2), float(3));
  const at = POINTS_HEADER + 4 * n;
  const labels =
    view.getUint8(5) === 1 ? new Int8Array(buffer, at, n) : words(Int16Array, buffer, at, n);
  return { n, x, y, labels };
}

export function decodeColumn(buffer) {
  const view = new DataView(buffer);
  magic(view, "SRMC");
  const named = view.getUint8(5) === 1;
  const width = view.getUint8(6);
  const n = view.getUint32(8, true);
  const codes =
    width === 1
      ? new Uint8Array(buffer, COLUMN_HEADER, n)
      : words(Uint16Array, buffer, COLUMN_HEADER, n);
  const unknown = width === 1 ? 255 : 65535;
  if (!named) {
    return { named, codes, unknown, bins: view.getUint8(7), low: view.getFloat32(12, true), high: view.getFloat32(16, true) };
  }
  const text = new TextDecoder().decode(new Uint8Array(buffer, COLUMN_HEADER + n * width));
  return { named, codes, unknown, names: JSON.parse(text) };
}

// A part of a large map: songs with their rows, or cells of many songs with their density, the
// densest one's share being 1.
export function decodeView(buffer, bounds) {
  const view = new DataView(buffer);
  magic(view, "SRMV");
  const total = view.getUint32(8, true);
  const [left, right, bottom, top] = [12, 14, 16, 18].map((at) => view.getUint16(at, true));
  const [columns, lines] = [20, 22].map((at) => view.getUint16(at, true));
  const across = (code) => bounds[0] + (code / STEPS) * (bounds[1] - bounds[0]);
  const up = (code) => bounds[2] + (code / STEPS) * (bounds[3] - bounds[2]);
  if (view.getUint8(5) === 1) {
    const rows = Uint32Array.from({ length: total }, (_, i) => view.getUint32(VIEW_HEADER + 4 * i, true));
    const at = VIEW_HEADER + 4 * total;
    const x = Float32Array.from(words(Uint16Array, buffer, at, total), across);
    const y = Float32Array.from(words(Uint16Array, buffer, at + 2 * total, total), up);
    return { n: total, x, y, rows, of: new Uint8Array(buffer, at + 4 * total, total) };
  }
  const groups = new Uint8Array(buffer, VIEW_HEADER, columns * lines);
  const levels = new Uint8Array(buffer, VIEW_HEADER + columns * lines, columns * lines);
  const cells = [...levels.keys()].filter((i) => levels[i] > 0);
  const most = cells.reduce((high, i) => Math.max(high, levels[i]), 1);
  const step = [(right - left + 1) / columns, (top - bottom + 1) / lines];
  return {
    n: cells.length,
    x: Float32Array.from(cells, (i) => across(left + ((i % columns) + 0.5) * step[0])),
    y: Float32Array.from(cells, (i) => up(bottom + (Math.floor(i / columns) + 0.5) * step[1])),
    of: Uint8Array.from(cells, (i) => groups[i]),
    density: Float32Array.from(cells, (i) => 0.15 + (0.85 * levels[i]) / most),
    // Where the cells lie in the grid that the view is divided into, line by line from below.
    cells: {
      at: cells,
      grid: { columns, lines, left: across(left), right: across(right + 1), bottom: up(bottom), top: up(top + 1) },
    },
  };
}

export class Source {
  constructor(settings) {
    this.settings = settings;
    this.columns = new Map();
    this.songs = new Map();
    this.wanted = new Set();
    this.waiting = [];
    this.timer = 0;
  }

  async points() {
    const response = await ask(this.settings.points, { run: this.settings.run });
    return decodePoints(await response.arrayBuffer());
  }

  column(name) {
    if (!this.columns.has(name)) {
      const loading = ask(this.settings.points, { run: this.settings.run, column: name })
        .then((response) => response.arrayBuffer())
        .then(decodeColumn);
      loading.catch(() => this.columns.delete(name));
      this.columns.set(name, loading);
    }
    return this.columns.get(name);
  }

  // A part of a large map: `view` as codes of the plane, drawn in columns and lines of cells.
  async part(view, cells, column, signal) {
    const parameters = { run: this.settings.run, view: view.join(","), cells: cells.join(","), column };
    const response = await ask(this.settings.cells, parameters, { signal });
    return decodeView(await response.arrayBuffer(), this.settings.plane.bounds);
  }

  async legend(column) {
    return (await ask(this.settings.legend, { run: this.settings.run, column })).json();
  }

  // The names that a view has room for, in a size in pixels.
  async names(view, size, column, signal) {
    const parameters = { run: this.settings.run, view: view.join(","), size: size.join(","), column };
    return (await ask(this.settings.names, parameters, { signal })).json();
  }

  async inside(shape) {
    return (await ask(this.settings.inside, { run: this.settings.run, shape: shape.join(",") })).json();
  }

  async path(from, to) {
    return (await ask(this.settings.path, { from, to })).json();
  }

  async mine() {
    return (await ask(this.settings.mine, {})).json();
  }

  async search(text, signal) {
    return (await ask(this.settings.search, { q: text }, { signal })).json();
  }

  known(row) {
    return this.songs.get(row);
  }

  keep(songs) {
    for (const song of songs) this.songs.set(song.row, song);
  }

  // The songs in these rows; asked for together with whatever else is wanted in the same moment.
  async songsIn(rows) {
    const missing = rows.filter((row) => !this.songs.has(row));
    if (missing.length) await this.fetchLater(missing);
    return rows.map((row) => this.songs.get(row)).filter(Boolean);
  }

  fetchLater(rows) {
    for (const row of rows) this.wanted.add(row);
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      if (!this.timer) this.timer = setTimeout(() => this.fetchNow(), 30);
    });
  }

  async fetchNow() {
    const rows = [...this.wanted];
    const waiting = this.waiting;
    this.wanted.clear();
    this.waiting = [];
    this.timer = 0;
    try {
      const size = this.settings.titles_at_once;
      for (let i = 0; i < rows.length; i += size) {
        const parameters = { run: this.settings.run, rows: rows.slice(i, i + size).join(",") };
        this.keep(await (await ask(this.settings.titles, parameters)).json());
      }
      for (const { resolve } of waiting) resolve();
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}

// A fixed shuffle (xorshift, Fisher-Yates): no cluster is always drawn over the others, and the
// same map looks the same every time.
export function shuffled(n) {
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i += 1) order[i] = i;
  let seed = 2463534242;
  for (let i = n - 1; i > 0; i -= 1) {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    const j = (seed >>> 0) % (i + 1);
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}
