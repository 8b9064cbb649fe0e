// A slider's value beside its name, while it moves. Without this script the form still works.
"use strict";

(() => {
  const show = (slider) => {
    const output = document.querySelector(`output[for="${slider.id}"]`);
    if (!output) return;
    const value = Number(slider.value);
    output.textContent = "share" in output.dataset ? `${Math.round(value * 100)}%` : value.toFixed(2);
  };
  const all = () => document.querySelectorAll("input[data-slider]").forEach(show);
  document.addEventListener("input", (event) => {
    if (event.target.matches?.("input[data-slider]")) show(event.target);
  });
  document.addEventListener("pagechange", all);
  all();
})();
