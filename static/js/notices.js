// Notices stay in view until they are closed; without this script they stand above the content.
"use strict";

(() => {
  const prepare = () => {
    for (const button of document.querySelectorAll(".flashes [data-close-notice]")) button.hidden = false;
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-close-notice]");
    if (!button) return;
    const list = button.closest("ul");
    button.closest("li").remove();
    const next = list.querySelector("[data-close-notice]") || document.querySelector("main");
    next.focus({ preventScroll: true });
  });
  document.addEventListener("pagechange", prepare);
  prepare();
})();
