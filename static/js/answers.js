// Reloads the list of recommendations after a like or dislike and announces what changed.
"use strict";

(() => {
  let pending = null;

  const refresh = async () => {
    const old = document.querySelector("[data-answer]");
    if (!old) return;
    pending?.abort();
    const mine = new AbortController();
    pending = mine;
    try {
      const answer = await fetch(location.href, { signal: mine.signal, credentials: "same-origin", headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-answer]");
      // Somebody who has taken back the last like gets the page for beginners: it has no list.
      if (!fresh) return void location.reload();
      const form = document.activeElement?.closest("form[data-reaction]");
      const had = old.contains(document.activeElement) ? form?.getAttribute("action") : null;
      document.querySelector("[data-answer]")?.replaceWith(document.adoptNode(fresh));
      const lead = page.querySelector(".page-head .lead");
      if (lead) document.querySelector(".page-head .lead")?.replaceWith(document.adoptNode(lead));
      const change = fresh.querySelector("[data-change]");
      if (had) (fresh.querySelector(`form[action="${CSS.escape(had)}"] button`) || change)?.focus();
      const place = document.querySelector("[data-announce]");
      if (place && change) place.textContent = `${place.textContent} ${change.textContent}`.trim();
      document.dispatchEvent(new CustomEvent("pagechange"));
    } catch (error) {
      // The list that is there stays; the next look at the page is up to date.
      if (error.name !== "AbortError") return;
    }
  };

  // After the announcement of the reaction itself and the leaving song's fading.
  document.addEventListener("reaction", () => setTimeout(refresh, 250));
})();
