// Which song lies nearest to a place, and which lie inside a shape: a grid of cells over the plane.

const PER_CELL = 4;

export class PlaneIndex {
  constructor(x, y) {
    this.x = x;
    this.y = y;
    const n = x.length;
    const side = Math.max(1, Math.ceil(Math.sqrt(n / PER_CELL)));
    this.side = side;
    [this.left, this.width] = extent(x);
    [this.bottom, this.height] = extent(y);
    // Counting sort by cell: starts[c] .. starts[c + 1] are the places of cell c in `rows`.
    const cellOf = new Uint32Array(n);
    this.starts = new Uint32Array(side * side + 1);
    for (let i = 0; i < n; i += 1) {
      cellOf[i] = this.column(x[i]) + side * this.line(y[i]);
      this.starts[cellOf[i] + 1] += 1;
    }
    for (let c = 0; c < side * side; c += 1) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    this.rows = new Uint32Array(n);
    for (let i = 0; i < n; i += 1) {
      this.rows[next[cellOf[i]]] = i;
      next[cellOf[i]] += 1;
    }
  }

  column(x) {
    return clamp(Math.floor(((x - this.left) / this.width) * this.side), 0, this.side - 1);
  }

  line(y) {
    return clamp(Math.floor(((y - this.bottom) / this.height) * this.side), 0, this.side - 1);
  }

  *near(left, right, bottom, top) {
    for (let line = this.line(bottom); line <= this.line(top); line += 1) {
      const from = this.starts[line * this.side + this.column(left)];
      const to = this.starts[line * this.side + this.column(right) + 1];
      for (let i = from; i < to; i += 1) yield this.rows[i];
    }
  }

  // The row nearest to (x, y), at most radiusX × radiusY away; -1 where there is none.
  nearest(x, y, radiusX, radiusY, wanted) {
    let best = -1;
    let least = 1;
    for (const row of this.near(x - radiusX, x + radiusX, y - radiusY, y + radiusY)) {
      const dx = (this.x[row] - x) / radiusX;
      const dy = (this.y[row] - y) / radiusY;
      const distance = dx * dx + dy * dy;
      if (distance < least && wanted(row)) {
        least = distance;
        best = row;
      }
    }
    return best;
  }

  // The rows inside a polygon [[x, y], …] (even-odd rule).
  inside(polygon, wanted) {
    const xs = polygon.map((point) => point[0]);
    const ys = polygon.map((point) => point[1]);
    const found = [];
    for (const row of this.near(Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys))) {
      if (contains(polygon, this.x[row], this.y[row]) && wanted(row)) found.push(row);
    }
    return found;
  }

  // The rows from their middle outwards: who takes only the first of them takes the heart of the
  // selection. A unit is what a pixel is wide and high in the plane.
  fromMiddle(rows, unitX, unitY) {
    const x = median(rows, this.x);
    const y = median(rows, this.y);
    const apart = new Map();
    for (const row of rows) apart.set(row, Math.hypot((this.x[row] - x) / unitX, (this.y[row] - y) / unitY));
    return [...rows].sort((a, b) => apart.get(a) - apart.get(b) || a - b);
  }
}

function median(rows, values) {
  const sorted = Float32Array.from(rows, (row) => values[row]).sort();
  return sorted.length ? sorted[sorted.length >> 1] : 0;
}

export function contains(polygon, x, y) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i, i += 1) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return values.length ? [low, high - low || 1] : [0, 1];
}
