// Colours and shapes of the map, read from the theme's tokens so that light and dark agree.

export const NOISE = "noise";
const NOISE_SHAPE = 12;
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

// The place of a group's shape among those of the sprite (mark-0 … mark-11, mark-noise).
export function shapeOf(key) {
  return key === NOISE ? NOISE_SHAPE : key;
}

// The colour of a share from 0 to 1 on the theme's ramp.
export function ramp(share) {
  const at = Math.min(Math.max(share, 0), 1) * (RAMP_STOPS - 1);
  const from = Math.min(Math.floor(at), RAMP_STOPS - 2);
  const one = rgba(token(`--ramp-${from}`));
  const two = rgba(token(`--ramp-${from + 1}`));
  const mixed = one.slice(0, 3).map((part, i) => Math.round(part + (two[i] - part) * (at - from)));
  return `rgb(${mixed.join(",")})`;
}

const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const known = new Map();

// Any colour of CSS as four bytes.
export function rgba(colour) {
  if (!known.has(colour)) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    known.set(colour, [...pen.getImageData(0, 0, 1, 1).data]);
  }
  return known.get(colour);
}
