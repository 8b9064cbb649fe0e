// The drawing: each song is a point of one WebGL buffer. Moving the view changes four numbers, a
// new colour four bytes for each song; nothing else is sent to the graphics processor.

import { rgba } from "./colours.js";

const VERTEX = `
attribute vec2 place;
attribute vec4 colour;
attribute float symbol;
uniform vec2 middle;
uniform vec2 scale;
uniform mediump float size;
uniform float ground;
varying vec4 paint;
varying float form;
void main() {
  bool below = symbol > 127.5;
  bool here = below == (ground > 0.5);
  gl_Position = here ? vec4((place - middle) * scale, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = size;
  paint = colour;
  form = below ? symbol - 128.0 : symbol;
}`;

const FRAGMENT = `
precision mediump float;
varying vec4 paint;
varying float form;
uniform sampler2D forms;
uniform vec4 outline;
uniform float size;
uniform float opacity;
uniform float look;
void main() {
  float cover = 1.0;
  float edge = 0.0;
  if (look > 1.5) {
    vec2 cell = vec2(mod(form + 0.5, 4.0) - 0.5, floor((form + 0.5) / 4.0));
    vec4 texel = texture2D(forms, (cell + gl_PointCoord) / 4.0);
    cover = texel.r;
    edge = texel.g;
  } else if (look > 0.5) {
    cover = clamp((0.5 - distance(gl_PointCoord, vec2(0.5))) * size + 0.5, 0.0, 1.0);
  }
  float alpha = paint.a * opacity * cover;
  gl_FragColor = vec4(paint.rgb * alpha, alpha) + outline * edge * opacity;
}`;

export const GROUND = 128;
// How a point looks: a square (a cell of many songs), a disc, or the shape of its group.
export const SQUARE = 0;
export const DISC = 1;
export const SHAPE = 2;

const SIDE = 64;
const MARKS = 13;

export class Drawing {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = canvas.getContext("webgl", { antialias: false, preserveDrawingBuffer: true });
    if (!gl) throw new Error("This browser cannot draw the map: it has no WebGL.");
    this.gl = gl;
    this.n = 0;
    this.program = linked(gl);
    gl.useProgram(this.program);
    this.at = Object.fromEntries(
      ["middle", "scale", "size", "ground", "outline", "opacity", "look"].map((name) => [
        name,
        gl.getUniformLocation(this.program, name),
      ]),
    );
    this.places = this.buffer("place", 2, gl.FLOAT, false);
    this.colours = this.buffer("colour", 4, gl.UNSIGNED_BYTE, true);
    this.symbols = this.buffer("symbol", 1, gl.UNSIGNED_BYTE, false);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  buffer(name, size, type, normalised) {
    const { gl } = this;
    const made = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, made);
    const at = gl.getAttribLocation(this.program, name);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, type, normalised, 0, 0);
    return made;
  }

  fill(buffer, data) {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, buffer);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, data, this.gl.STATIC_DRAW);
  }

  // Places as x, y, x, y, …
  setPlaces(places) {
    this.n = places.length / 2;
    this.fill(this.places, places);
  }

  // Four bytes of colour and one of the symbol for each place; symbols from GROUND on lie below.
  setStyles(colours, symbols) {
    this.fill(this.colours, colours);
    this.fill(this.symbols, symbols);
    this.hasGround = symbols.some((symbol) => symbol >= GROUND);
  }

  // The shapes of the groups, read from the sprite that the legend shows them from.
  async loadShapes(sprite) {
    const text = await (await fetch(sprite)).text();
    const marks = new DOMParser().parseFromString(text, "image/svg+xml");
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 4 * SIDE;
    const pen = canvas.getContext("2d");
    pen.fillRect(0, 0, canvas.width, canvas.height);
    for (let key = 0; key < MARKS; key += 1) {
      const mark = marks.getElementById(`mark-${key < MARKS - 1 ? key : "noise"}`);
      pen.setTransform(SIDE / 18, 0, 0, SIDE / 18, (key % 4) * SIDE, Math.floor(key / 4) * SIDE);
      pen.translate(1, 1);
      const path = pathOf(mark.firstElementChild);
      pen.fillStyle = "#f00";
      pen.fill(path);
      pen.strokeStyle = "#0f0";
      pen.lineWidth = 1.1;
      pen.stroke(path);
    }
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, canvas);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    this.hasShapes = true;
  }

  resize(width, height) {
    const dense = Math.min(2, window.devicePixelRatio || 1);
    [this.width, this.height, this.dense] = [width, height, dense];
    this.canvas.width = Math.round(width * dense);
    this.canvas.height = Math.round(height * dense);
  }

  // Draws the first `count` places: the view's middle and half its width and height in the plane,
  // the size of a point in pixels, and how it looks.
  render({ x, y, halfX, halfY }, { size, look, opacity, groundSize, outline }, count = this.n) {
    const { gl, at, dense } = this;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!this.n) return;
    gl.uniform2f(at.middle, x, y);
    gl.uniform2f(at.scale, 1 / halfX, 1 / halfY);
    // Cells stand side by side: where two overlap by a pixel the later one counts.
    if (look === SQUARE) gl.disable(gl.BLEND);
    else gl.enable(gl.BLEND);
    if (this.hasGround) this.pass(true, groundSize * dense, look === SQUARE ? SQUARE : DISC, 1, [0, 0, 0, 0], count);
    const shaped = look === SHAPE && this.hasShapes ? SHAPE : Math.min(look, DISC);
    const room = shaped === SHAPE ? 18 / 16 : 1;
    this.pass(false, size * dense * room, shaped, opacity, outline, count);
  }

  pass(ground, size, look, opacity, outline, count) {
    const { gl, at } = this;
    gl.uniform1f(at.ground, ground ? 1 : 0);
    gl.uniform1f(at.size, size);
    gl.uniform1f(at.look, look);
    gl.uniform1f(at.opacity, opacity);
    gl.uniform4fv(at.outline, outline);
    gl.drawArrays(gl.POINTS, 0, Math.min(count, this.n));
  }
}

// A colour of the theme as what the outline is multiplied with.
export function premultiplied(colour) {
  const [red, green, blue, alpha] = rgba(colour).map((part) => part / 255);
  return [red * alpha, green * alpha, blue * alpha, alpha];
}

function linked(gl) {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error("This browser cannot draw the map: its graphics driver refuses.");
  }
  return program;
}

function pathOf(shape) {
  const value = (name) => Number(shape.getAttribute(name));
  if (shape.localName === "path") return new Path2D(shape.getAttribute("d"));
  if (shape.localName === "polygon") return new Path2D(`M${shape.getAttribute("points").trim().split(/\s+/).join("L")}Z`);
  const path = new Path2D();
  if (shape.localName === "circle") path.arc(value("cx"), value("cy"), value("r"), 0, 2 * Math.PI);
  else path.rect(value("x"), value("y"), value("width"), value("height"));
  return path;
}
