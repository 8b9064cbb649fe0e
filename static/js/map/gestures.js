// Pointer, wheel and keyboard on the drawing: look around, point at a song, choose it, draw a shape
// around songs or a line from one to another.

const CLICK = 5;
const REACH = { mouse: 16, touch: 28, pen: 20 };
const WHEEL = 0.0015;

export class Gestures {
  constructor(element, plot, handlers) {
    this.element = element;
    this.plot = plot;
    this.handlers = handlers;
    this.tool = "look";
    this.pointers = new Map();
    this.path = null;
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.up(event));
    element.addEventListener("pointercancel", (event) => this.cancel(event));
    element.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && !this.pointers.size) handlers.leave();
    });
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("dblclick", (event) => event.preventDefault());
  }

  use(tool) {
    this.tool = tool;
    this.element.dataset.tool = tool;
  }

  at(event) {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  reach(event) {
    return REACH[event.pointerType] || REACH.mouse;
  }

  down(event) {
    if (event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    const at = this.at(event);
    this.pointers.set(event.pointerId, at);
    this.moved = this.pointers.size > 1;
    this.start = at;
    if (this.tool !== "look" && this.pointers.size === 1) this.path = [at];
    else this.path = null;
    if (this.pointers.size > 1) this.handlers.shape([]);
  }

  move(event) {
    const at = this.at(event);
    if (!this.pointers.has(event.pointerId)) {
      if (event.pointerType !== "touch") this.handlers.point(...at, this.reach(event));
      return;
    }
    const before = this.pointers.get(event.pointerId);
    if (Math.hypot(at[0] - this.start[0], at[1] - this.start[1]) > CLICK && !this.moved) {
      this.moved = true;
      this.handlers.leave();
    }
    if (this.pointers.size === 2) this.pinch(event.pointerId, before, at);
    else if (this.path && this.moved) this.draw(at, event);
    else if (this.moved) {
      this.element.classList.add("is-dragged");
      this.plot.panBy(at[0] - before[0], at[1] - before[1]);
    }
    this.pointers.set(event.pointerId, at);
  }

  pinch(id, before, at) {
    const [other] = [...this.pointers].filter(([key]) => key !== id).map(([, place]) => place);
    const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
    const middle = [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2];
    this.plot.panBy((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
    this.plot.zoomAt(...middle, apart(at) / apart(before));
  }

  draw(at, event) {
    if (this.tool === "path") {
      this.handlers.shape([this.start, at], false);
      this.handlers.point(...at, this.reach(event));
      return;
    }
    if (this.tool === "box") {
      const [x, y] = this.start;
      this.path = [[x, y], [at[0], y], at, [x, at[1]]];
    } else this.path.push(at);
    this.handlers.shape(this.path);
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    this.element.classList.remove("is-dragged");
    const { path, moved } = this;
    if (this.pointers.size) return;
    this.path = null;
    if (path && moved) this.handlers.shape([]);
    if (path && moved && this.tool === "path") this.handlers.connect(this.start, this.at(event), this.reach(event));
    else if (path && moved && path.length > 2) this.handlers.select(path.map((place) => this.plot.placeOf(...place)));
    else if (!moved) this.handlers.press(...this.at(event), this.reach(event));
  }

  cancel(event) {
    this.pointers.delete(event.pointerId);
    this.path = null;
    this.handlers.shape([]);
  }

  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.plot.zoomAt(...this.at(event), Math.exp(-event.deltaY * lines * WHEEL));
  }

  // Arrows go from song to song; with Shift they move the map.
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const middle = [this.plot.width / 2, this.plot.height / 2];
    const go = (x, y) => () => (event.shiftKey ? this.plot.panBy(-120 * x, -120 * y) : this.handlers.step(x, y));
    const keys = {
      ArrowLeft: go(-1, 0),
      ArrowRight: go(1, 0),
      ArrowUp: go(0, -1),
      ArrowDown: go(0, 1),
      "+": () => this.plot.zoomAt(...middle, 1.4),
      "=": () => this.plot.zoomAt(...middle, 1.4),
      "-": () => this.plot.zoomAt(...middle, 1 / 1.4),
      0: () => this.plot.look(this.plot.home),
      Enter: () => this.handlers.enter(),
      Escape: () => this.handlers.escape(),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}
