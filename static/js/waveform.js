// Draws a waveform: what has been played in the accent's colour, the rest quietly; a part marked.
"use strict";

window.songrecWaveform = (canvas) => {
  let peaks = null;
  let share = 0;
  let marked = null;

  const draw = () => {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width || !height) return;
    const density = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    const pen = canvas.getContext("2d");
    pen.scale(density, density);
    const style = getComputedStyle(canvas);
    const played = style.color;
    const ahead = style.getPropertyValue("--ink-3").trim() || "gray";
    const step = 3;
    const bars = Math.max(1, Math.floor(width / step));
    if (marked) {
      const [from, to] = marked;
      pen.globalAlpha = 0.25;
      pen.fillStyle = played;
      pen.fillRect(from * width, 0, Math.max(2, (to - from) * width), height);
    }
    const loudest = peaks ? Math.max(0.05, ...peaks) : 1;
    for (let bar = 0; bar < bars; bar += 1) {
      let size = 2;
      if (peaks) {
        // The loudest of the peaks that this bar stands for.
        const from = Math.floor((bar * peaks.length) / bars);
        const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / bars));
        size = Math.max(2, (Math.max(...peaks.slice(from, to)) / loudest) * height);
      }
      const done = (bar + 0.5) / bars <= share;
      pen.globalAlpha = done ? 1 : 0.5;
      pen.fillStyle = done ? played : ahead;
      pen.fillRect(bar * step, (height - size) / 2, step - 1, size);
    }
  };

  new ResizeObserver(draw).observe(canvas);
  document.addEventListener("themechange", draw);

  let asked = 0;
  return {
    at(value) { share = value; draw(); },
    // Where a moment of a sound of `total` seconds lies; drawn with the next `at`.
    mark(moment, total) {
      marked = moment && total ? [moment.from, moment.from + moment.lasts].map((end) => Math.min(1, end / total)) : null;
      if (marked) canvas.dataset.marked = marked.map((end) => end.toFixed(3)).join(" ");
      else delete canvas.dataset.marked;
    },
    // Peaks of a song played for the first time are being made: ask again a few times.
    async load(address, ready = () => {}) {
      asked += 1;
      const mine = asked;
      peaks = null;
      delete canvas.dataset.peaks;
      draw();
      if (!address) return;
      for (let attempt = 0; attempt < 20 && mine === asked; attempt += 1) {
        let answer;
        try {
          answer = await fetch(address, { credentials: "same-origin" });
        } catch {
          return;
        }
        if (mine !== asked || (answer.status !== 202 && !answer.ok)) return;
        if (answer.status === 200) {
          ({ peaks } = await answer.json());
          canvas.dataset.peaks = String(peaks.length);
          draw();
          ready();
          return;
        }
        await new Promise((resolve) => { setTimeout(resolve, 1500); });
      }
    },
  };
};
