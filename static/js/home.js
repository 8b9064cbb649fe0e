// The home page turns into rows as songs are liked: what is new of it is fetched and swapped in.
"use strict";

(() => {
  const parser = new DOMParser();
  let pending = null;

  const announce = (text) => {
    const place = document.querySelector("[data-announce]");
    if (place && text) place.textContent = text;
  };

  const fetched = async (signal) => {
    const answer = await fetch(location.href, { signal, credentials: "same-origin", headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return parser.parseFromString(await answer.text(), "text/html").querySelector("[data-home]");
  };

  const swap = (home, fresh) => {
    const [old, rows] = [home, fresh].map((part) => part.querySelector("[data-home-rows]"));
    if (fresh.querySelector("[data-starters]")) {
      // The songs to like stay where they are under the finger.
      const held = old.contains(document.activeElement) && document.activeElement.getAttribute("formaction");
      old.replaceWith(document.adoptNode(rows));
      if (held) (rows.querySelector(`button[formaction="${CSS.escape(held)}"]`) || document.querySelector("main")).focus({ preventScroll: true });
    } else {
      home.replaceWith(document.adoptNode(fresh));
      window.scrollTo(0, 0);
      const heading = document.querySelector("h1");
      heading?.setAttribute("tabindex", "-1");
      heading?.focus({ preventScroll: true });
    }
    announce([...rows.querySelectorAll("h2")].map((title) => title.textContent.trim()).join(". "));
    // Buttons that only work with the player appear, and the one of the song that plays is marked.
    document.dispatchEvent(new CustomEvent("pagechange"));
  };

  document.addEventListener("reaction", async (event) => {
    const home = document.querySelector("[data-home]");
    // Later on rows change with the next visit, not while somebody reads them; dislikes and what
    // undoes them are for answers.js.
    const { value, before } = event.detail;
    if (!home?.querySelector("[data-starters]") || [value, before].includes("dislike")) return;
    const count = home.querySelector("[data-home-count]");
    if (count) count.textContent = Math.min(event.detail.likes, 3);
    pending?.abort();
    pending = new AbortController();
    try {
      const fresh = await fetched(pending.signal);
      if (fresh && home.isConnected) swap(home, fresh);
    } catch (error) {
      if (error.name !== "AbortError") announce("Reload the page to see songs like these.");
    }
  });
})();
