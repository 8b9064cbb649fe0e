// Colours and shapes of the map, read from the theme's tokens so that light and dark agree.

// Plotly's names for the twelve shapes of icons.svg#mark-0 … #mark-11.
const SHAPES = [
  "circle", "square", "diamond", "cross", "triangle-up", "star",
  "hexagon", "triangle-down", "x", "pentagon", "hourglass", "star-diamond",
];
export const NOISE = "noise";
export const BINS = 12;
const RAMP_STOPS = 5;

export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The key of a cluster's colour and shape: further clusters use the twelve again.
export function keyOf(number) {
  return number < 0 ? NOISE : number % 12;
}

export function colourOf(key) {
  return token(`--cluster-${key}`);
}

export function shapeOf(key) {
  return key === NOISE ? "circle" : SHAPES[key];
}

// The colour of a share from 0 to 1 on the theme's ramp.
export function ramp(share) {
  const at = Math.min(Math.max(share, 0), 1) * (RAMP_STOPS - 1);
  const from = Math.min(Math.floor(at), RAMP_STOPS - 2);
  const one = rgb(token(`--ramp-${from}`));
  const two = rgb(token(`--ramp-${from + 1}`));
  const mixed = one.map((part, i) => Math.round(part + (two[i] - part) * (at - from)));
  return `rgb(${mixed.join(",")})`;
}

function rgb(hex) {
  return [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
}
