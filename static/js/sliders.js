// A slider's value beside its name, while it moves. Without this script the form still works.
"use strict";

(() => {
  for (const slider of document.querySelectorAll("input[data-slider]")) {
    const output = document.querySelector(`output[for="${slider.id}"]`);
    if (!output) continue;
    const show = () => {
      const value = Number(slider.value);
      output.textContent = "share" in output.dataset ? `${Math.round(value * 100)}%` : value.toFixed(2);
    };
    slider.addEventListener("input", show);
    show();
  }
})();
