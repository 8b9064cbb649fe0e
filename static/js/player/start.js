// Fetches the player's controls and scripts, which browsers keep. What is pressed before they are
// there waits for them; without them, links to songs are links.
"use strict";

(() => {
  const bar = document.querySelector("[data-player]");
  if (!bar) return;
  const PLAYS = "[data-play], [data-play-all], [data-play-song], [data-moment], [data-enqueue], [data-hear-both]";
  let waiting = null;

  const onClick = (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const button = event.target.closest(PLAYS);
    if (!button) return;
    event.preventDefault();
    waiting = () => button.click();
  };
  const onPlay = ({ detail }) => {
    waiting = () => document.dispatchEvent(new CustomEvent("songrec:play", { detail }));
  };

  const run = (src) => new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src, async: false, onload: resolve, onerror: reject });
    script.setAttribute("data-stays", "");
    document.body.append(script);
  });
  const load = async () => {
    const answer = await fetch(bar.dataset.controls, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const { body } = new DOMParser().parseFromString(await answer.text(), "text/html");
    const sources = [...body.querySelectorAll("script")].map((script) => {
      script.remove();
      return script.getAttribute("src");
    });
    bar.append(...body.children);
    const token = bar.querySelector("[data-player-token]").value;
    for (const field of bar.querySelectorAll("input[name=csrf_token]")) field.value = token;
    await Promise.all(sources.map(run));
  };

  document.addEventListener("click", onClick);
  document.addEventListener("songrec:play", onPlay);
  for (const button of document.querySelectorAll("[data-play-all], [data-enqueue], [data-hear-both]")) button.hidden = false;
  load().catch(() => { waiting = null; }).then(() => {
    document.removeEventListener("click", onClick);
    document.removeEventListener("songrec:play", onPlay);
    waiting?.();
  });
})();
