// Light, dark or the system's choice, kept in a cookie so that the server renders it at once; and
// the admin’s rows of links, which on a phone are wider than the window, show the one we are at.
"use strict";

(() => {
  const reveal = () => {
    for (const row of document.querySelectorAll(".admin-groups, .admin-pages")) {
      const here = row.querySelector("[aria-current]");
      if (here) row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
    }
  };
  document.addEventListener("pagechange", reveal);
  reveal();
})();

(() => {
  const button = document.querySelector("[data-theme-toggle]");
  if (!button) return;
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const current = () => root.dataset.bsTheme || (system.matches ? "dark" : "light");
  const label = () => {
    const next = current() === "dark" ? "light" : "dark";
    button.setAttribute("aria-label", `Switch to the ${next} theme`);
    button.title = `Switch to the ${next} theme`;
  };
  button.hidden = false;
  label();
  button.addEventListener("click", () => {
    const next = current() === "dark" ? "light" : "dark";
    root.dataset.bsTheme = next;
    document.cookie = `theme=${next}; path=${root.dataset.root || "/"}; max-age=31536000; samesite=lax`;
    label();
    const paper = getComputedStyle(root).getPropertyValue("--paper").trim();
    for (const colour of document.querySelectorAll("meta[name=theme-color]")) colour.content = paper;
    document.dispatchEvent(new CustomEvent("themechange", { detail: next }));
  });
  system.addEventListener("change", () => {
    if (!root.dataset.bsTheme) document.dispatchEvent(new CustomEvent("themechange", { detail: current() }));
  });
})();
