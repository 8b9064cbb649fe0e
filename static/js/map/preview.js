// Five seconds of the song that is pointed at, by the player. The switch is remembered; on a phone
// it is off to begin with.

const REMEMBERED = "songrec-map-preview";
const DELAY = 300;
// Browsers may refuse storage altogether; then the switch is not remembered.
const attempt = (action) => { try { return action(); } catch { return null; } };

export class Preview {
  constructor(button, mark, signal) {
    this.button = button;
    this.mark = mark;
    const stored = attempt(() => localStorage.getItem(REMEMBERED));
    this.on = stored === null ? window.matchMedia("(hover: hover)").matches : stored === "on";
    this.show();
    button.hidden = false;
    button.addEventListener("click", () => {
      this.on = !this.on;
      attempt(() => localStorage.setItem(REMEMBERED, this.on ? "on" : "off"));
      this.show();
      if (!this.on) this.stop();
    });
    document.addEventListener("visibilitychange", () => document.hidden && this.stop(), { signal });
  }

  show() {
    this.button.setAttribute("aria-pressed", String(this.on));
  }

  // A song that is pointed at begins after a moment, so that a pointer that passes over is silent,
  // and not while the player plays. A browser plays nothing before the page was used.
  pointAt(song) {
    clearTimeout(this.waiting);
    if (this.song && this.song.row !== song?.row) this.stop();
    const may = navigator.userActivation?.hasBeenActive ?? true;
    if (song && may && !window.songrecPlayer?.isPlaying()) this.waiting = setTimeout(() => this.play(song), DELAY);
  }

  // What the player plays waits meanwhile.
  play(song) {
    clearTimeout(this.waiting);
    if (!this.on || !song.sound || this.song?.row === song.row) return;
    const { from, seconds } = song.sound;
    this.song = song;
    this.mark(song.row);
    document.dispatchEvent(new CustomEvent("songrec:play", { detail: { tracks: [song.public_id], from, seconds } }));
    clearTimeout(this.ending);
    this.ending = setTimeout(() => this.ended(), (seconds + 1) * 1000);
  }

  stop() {
    clearTimeout(this.waiting);
    if (!this.song) return;
    this.ended();
    document.dispatchEvent(new CustomEvent("songrec:stop"));
  }

  ended() {
    clearTimeout(this.ending);
    this.song = null;
    this.mark(-1);
  }
}
