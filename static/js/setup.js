// Keeps the home page up to date while songs come in: the sentence and the bar every second, and the
// whole page when there are songs, recommendations or an end. Music keeps playing.
"use strict";

(() => {
  const SLOWEST_MS = 15000;
  let timer = null;
  let failures = 0;
  let announced = 0;

  const panel = () => document.querySelector("[data-setup]");
  const set = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };

  // Whoever goes by keyboard or types must not lose the place; a button that was clicked is done with.
  const isBusy = () => {
    const main = document.querySelector("main");
    const active = document.activeElement;
    return active && active !== main && main.contains(active) && active.matches(":focus-visible, input, select, textarea");
  };

  // Somebody who is using the page decides when it changes.
  const showNew = async (stage) => {
    const here = panel();
    if (isBusy()) {
      here.dataset.stage = stage;
      here.querySelector("[data-setup-news]").hidden = false;
      return;
    }
    const answer = await fetch(location.href, { credentials: "same-origin", headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main");
    if (!fresh || !panel()) return;
    for (const link of fresh.querySelectorAll("link[rel=stylesheet]")) {
      if ([...document.querySelectorAll("head link[rel=stylesheet]")].some((known) => known.getAttribute("href") === link.getAttribute("href"))) link.remove();
    }
    document.querySelector("main").replaceWith(document.adoptNode(fresh));
    document.dispatchEvent(new CustomEvent("pagechange"));
  };

  const show = (progress) => {
    const here = panel();
    set(here.querySelector("[data-setup-sentence]"), progress.sentence);
    const bar = here.querySelector("[data-setup-bar]");
    if (progress.share === null) bar.removeAttribute("value");
    else bar.value = progress.share;
    // A screen reader hears it now and then, not every second.
    if (Date.now() - announced > 20000) {
      announced = Date.now();
      set(here.querySelector("[data-setup-status]"), progress.sentence);
    }
  };

  const poll = async () => {
    timer = null;
    const here = panel();
    if (!here) return;
    try {
      const answer = await fetch(here.dataset.setup, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const progress = await answer.json();
      if (!panel()) return;
      failures = 0;
      if (!progress.active) await showNew("done");
      else {
        show(progress);
        if (progress.stage !== panel().dataset.stage) await showNew(progress.stage);
      }
      if (!progress.active) return;
    } catch {
      failures += 1;
    }
    plan();
  };

  const plan = () => {
    if (timer !== null || !panel()) return;
    timer = window.setTimeout(poll, document.hidden ? SLOWEST_MS : Math.min(1000 * 2 ** failures, SLOWEST_MS));
  };

  document.addEventListener("pagechange", plan);
  plan();
})();
