// Which group each song is in: by cluster, by genre or emotion, or by the amount of an attribute.
// A group is what has one colour, one shape and one line of the legend.

import { NOISE, colourOf, keyOf, ramp, shapeOf } from "./colours.js";

const NAMED_SHOWN = 11;
const DISC = 0;

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
  const others = column.names.length - shown.length;
  const groups = named([...shown.map(([name]) => name), ...(others ? [`${others} others`] : []), "Unknown"]);
  const [rest, unknown] = [shown.length, groups.length - 1];
  const of = new Uint16Array(column.codes.length);
  for (let i = 0; i < of.length; i += 1) {
    const code = column.codes[i];
    of[i] = code === column.unknown ? unknown : Math.min(code, rest);
  }
  return { kind: "names", groups: used(counted(groups, of)), of };
}

export function byFlag(column) {
  const of = new Uint16Array(column.codes.length);
  for (let i = 0; i < of.length; i += 1) {
    const code = column.codes[i];
    of[i] = code === column.unknown ? 2 : code > 127 ? 1 : 0;
  }
  return { kind: "names", groups: used(counted(named(["No", "Yes", "Unknown"]), of)), of };
}

// Whole steps from low to high, and one group for what is unknown.
export function byAmount({ codes, unknown, low, high, bins }) {
  const of = new Uint16Array(codes.length);
  for (let i = 0; i < of.length; i += 1) {
    of[i] = codes[i] === unknown ? bins : Math.min(bins - 1, Math.floor((codes[i] * bins) / 254));
  }
  return { kind: "amounts", groups: counted(amounts(bins), of), of, low, high, bins };
}

// The groups of a large map, which the server counts.
export function byServer({ kind, labels, counts, low, high, bins }, clusters) {
  const groups =
    kind === "amounts"
      ? amounts(bins)
      : kind === "cluster"
        ? clusters.slice(0, labels.length).map(({ number, name }) => group(keyOf(number), name, { number }))
        : named(labels);
  groups.forEach((one, i) => {
    one.count = counts[i];
  });
  const of = new Uint8Array(0);
  if (kind === "amounts") return { kind, groups, of, low, high, bins };
  return { kind: "names", groups: kind === "cluster" ? groups : used(groups), of };
}

// Names by their place, the last one being what is unknown.
function named(labels) {
  return labels.map((label, i) => group(i < labels.length - 1 ? keyOf(i) : NOISE, label));
}

function amounts(bins) {
  const groups = Array.from({ length: bins }, (_, bin) =>
    group(bin, "", { colour: () => ramp(bins > 1 ? bin / (bins - 1) : 1), shape: DISC }),
  );
  return [...groups, group(NOISE, "Unknown")];
}

// Groups without songs would be lines of the legend that do nothing; they only ever stand last.
function used(groups) {
  let last = groups.length;
  while (last > 1 && groups[last - 1].count === 0) last -= 1;
  return groups.slice(0, last);
}
