// Which group each song is in: by cluster, by genre or emotion, or by the amount of an attribute.
// A group is what has one colour, one shape and one line of the legend.

import { BINS, NOISE, colourOf, keyOf, ramp, shapeOf } from "./colours.js";

const NAMED_SHOWN = 11;

function group(key, label, more = {}) {
  return {
    key,
    label,
    count: 0,
    on: true,
    colour: () => colourOf(key),
    shape: shapeOf(key),
    ...more,
  };
}

function counted(groups, of) {
  for (let i = 0; i < of.length; i += 1) groups[of[i]].count += 1;
  return groups;
}

export function byCluster(labels, clusters) {
  const groups = clusters.map(({ number, name }) => group(keyOf(number), name, { number }));
  const place = new Map(clusters.map(({ number }, i) => [number, i]));
  const of = new Uint16Array(labels.length);
  for (let i = 0; i < labels.length; i += 1) {
    let at = place.get(labels[i]);
    if (at === undefined) {
      at = groups.push(group(keyOf(labels[i]), `Sound group ${labels[i]}`, { number: labels[i] })) - 1;
      place.set(labels[i], at);
    }
    of[i] = at;
  }
  return { kind: "names", groups: counted(groups, of), of };
}

// The most frequent names have colours of their own; the rest share one.
export function byName(column) {
  const shown = column.names.slice(0, NAMED_SHOWN);
  const groups = shown.map(([name], i) => group(keyOf(i), name));
  const others = column.names.length - shown.length;
  const rest = others ? groups.push(group(11, `${others} others`)) - 1 : -1;
  const unknown = groups.push(group(NOISE, "Unknown")) - 1;
  const of = new Uint16Array(column.codes.length);
  for (let i = 0; i < of.length; i += 1) {
    const code = column.codes[i];
    of[i] = code === column.unknown ? unknown : code < shown.length ? code : rest;
  }
  return { kind: "names", groups: counted(groups, of).filter(used(groups)), of };
}

export function byFlag(column) {
  const groups = [group(keyOf(0), "No"), group(keyOf(1), "Yes"), group(NOISE, "Unknown")];
  const of = new Uint16Array(column.codes.length);
  for (let i = 0; i < of.length; i += 1) {
    const code = column.codes[i];
    of[i] = code === column.unknown ? 2 : code > 127 ? 1 : 0;
  }
  return { kind: "names", groups: counted(groups, of).filter(used(groups)), of };
}

// Twelve steps from low to high, and one group for what is unknown.
export function byAmount(column) {
  const groups = Array.from({ length: BINS }, (_, bin) =>
    group(bin, "", { colour: () => ramp(bin / (BINS - 1)), shape: "circle" }),
  );
  groups.push(group(NOISE, "Unknown"));
  const of = new Uint16Array(column.codes.length);
  for (let i = 0; i < of.length; i += 1) {
    const code = column.codes[i];
    of[i] = code === column.unknown ? BINS : Math.min(BINS - 1, Math.floor((code * BINS) / 255));
  }
  return { kind: "amounts", groups: counted(groups, of), of, low: column.low, high: column.high };
}

// Groups without songs would be lines of the legend that do nothing; they only ever stand last.
function used(groups) {
  let last = groups.length;
  while (last > 1 && groups[last - 1].count === 0) last -= 1;
  return (_, i) => i < last;
}

// Each group's mean place, and how far around it the songs lie (1: as far as all songs do).
export function middles({ x, y }, of, count) {
  const sums = Array.from({ length: count + 1 }, () => new Float64Array(5));
  const add = (sum, i) => {
    sum[0] += 1;
    sum[1] += x[i];
    sum[2] += y[i];
    sum[3] += x[i] * x[i];
    sum[4] += y[i] * y[i];
  };
  for (let i = 0; i < of.length; i += 1) {
    add(sums[of[i]], i);
    add(sums[count], i);
  }
  const variance = ([n, sx, sy, sxx, syy]) => sxx / n - (sx / n) ** 2 + syy / n - (sy / n) ** 2;
  const all = variance(sums[count]);
  return sums.slice(0, count).map((sum) => ({
    x: sum[1] / sum[0],
    y: sum[2] / sum[0],
    spread: all > 0 ? variance(sum) / all : 0,
  }));
}
