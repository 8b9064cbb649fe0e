// Lists of recommendations: their controls act at once, and a like or dislike moves no other song.
// `data-answer="dislike"`: only a song that is disliked is followed by another one.
"use strict";

(() => {
  const DELAY = 300;
  let pending = null;
  let timer = 0;
  let refreshing = 0;
  // Songs that wait for one in their place, and the one that each was given, by the reaction's address.
  let waiting = [];
  const given = new Map();
  // Undone above the list: where that song stands again.
  let undone = null;
  // The list that all of these are about.
  let shown = document.querySelector("[data-answer]");

  const fetchPage = async (url) => {
    pending?.abort();
    const mine = new AbortController();
    pending = mine;
    try {
      const answer = await fetch(url, { signal: mine.signal, credentials: "same-origin", headers: { Accept: "text/html" } });
      return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    } catch {
      // The list that is there stays; the next look at the page is up to date.
      return null;
    }
  };

  const forget = () => {
    waiting = [];
    given.clear();
    undone = null;
    shown = document.querySelector("[data-answer]");
  };

  // What was begun on one page must not arrive on the next one.
  document.addEventListener("pagechange", () => {
    if (document.querySelector("[data-answer]") === shown) return;
    pending?.abort();
    clearTimeout(timer);
    clearTimeout(refreshing);
    forget();
  });

  // What has the focus stays as it is, so that nobody loses their place.
  const swap = (page, ...names) => {
    for (const name of names) {
      const old = document.querySelector(`[data-swap="${name}"]`);
      const fresh = page.querySelector(`[data-swap="${name}"]`);
      if (old && fresh && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(fresh));
    }
  };

  const announce = (text) => {
    const place = document.querySelector("[data-announce]");
    if (place) place.textContent = text;
  };

  // ---- controls: a change asks for another list ----

  const show = async (form, submitter = null) => {
    const url = new URL(form.action, location.href);
    url.search = new URLSearchParams(new FormData(form, submitter)).toString();
    const old = document.querySelector("[data-answer]");
    old?.setAttribute("aria-busy", "true");
    const page = await fetchPage(url);
    if (!page?.querySelector("[data-answer]")) {
      old?.removeAttribute("aria-busy");
      if (page) location.assign(url);
      return;
    }
    history.replaceState(history.state, "", url);
    swap(page, "answer", "actions", "lead", "sliders", "surprise");
    forget();
    document.dispatchEvent(new CustomEvent("pagechange"));
    announce(document.querySelector("[data-answer] h2")?.textContent || "");
  };

  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      const form = event.target.closest?.("form[data-live]");
      if (!form) return;
      clearTimeout(timer);
      timer = setTimeout(() => show(form), kind === "input" ? DELAY : 0);
    });
  }

  // Before other scripts see it: the page stays, whether something plays or not.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches("[data-live]")) return;
    event.preventDefault();
    clearTimeout(timer);
    show(form, event.submitter);
  }, { capture: true });

  // ---- reactions: the list keeps its songs, one new song comes at its end ----

  const BUTTONS = "button[formaction]";
  const actionOf = (button) => button?.getAttribute("formaction");
  const addressOf = (item) => actionOf(item.querySelector("button[formaction][aria-pressed]"));

  const append = (page) => {
    const answer = document.querySelector("[data-answer]");
    const known = new Set([...answer.querySelectorAll(BUTTONS)].map(actionOf));
    let last = null;
    waiting = waiting.filter(({ action, key }) => {
      const lists = [answer, page].map((root) => root.querySelector(`[data-list="${CSS.escape(key)}"]`));
      const next = lists[0] && [...(lists[1]?.children || [])].find((item) => !known.has(addressOf(item)));
      if (!next) return true;
      known.add(addressOf(next));
      given.set(action, document.adoptNode(next));
      // Among tiles it stands where the other one stood, whose line makes way for it.
      const line = lists[0].matches(".tiles") && lists[0].querySelector(`.removed-song button[formaction="${CSS.escape(action)}"]`)?.closest("li");
      if (line) {
        line.classList.add("is-replaced");
        line.before(next);
      } else lists[0].append(next);
      last = next;
      return false;
    });
    return last;
  };

  // What plays or keeps the list is about the songs that are on the page now.
  const recount = () => {
    const bar = document.querySelector('[data-swap="actions"]');
    const ids = [...document.querySelectorAll('[data-answer] ol[data-list=""] > [data-song]')].map((item) => item.dataset.song);
    if (!ids.length || !bar) return;
    if (bar.dataset.first) ids.unshift(bar.dataset.first);
    const play = bar.querySelector("[data-play-all]");
    if (play) play.dataset.playAll = play.dataset.playAll.replace(/tracks=[^&]*/, `tracks=${ids.join(",")}`);
    const tracks = bar.querySelector("input[name=tracks]");
    if (tracks) tracks.value = ids.join(",");
  };

  const showAgain = (page) => {
    const fresh = document.adoptNode(page.querySelector("[data-answer]"));
    document.querySelector("[data-answer]").replaceWith(fresh);
    fresh.querySelector(`button[formaction="${CSS.escape(undone)}"]`)?.focus();
    forget();
    swap(page, "actions");
    document.dispatchEvent(new CustomEvent("pagechange"));
  };

  const refresh = async () => {
    const page = await fetchPage(location.href);
    if (!page || !document.querySelector("[data-answer]")) return;
    // Somebody who has taken back the last like gets the page for beginners: it has no list.
    if (!page.querySelector("[data-answer]")) return void location.reload();
    swap(page, "lead");
    if (undone) return void showAgain(page);
    const last = append(page);
    recount();
    const place = document.querySelector("[data-announce]");
    const title = last?.querySelector(".title")?.textContent.trim();
    if (place && title) place.textContent = `${place.textContent} New ${last.nextElementSibling ? "in its place" : "at the end"}: “${title}”.`.trim();
  };

  document.addEventListener("reaction", ({ detail }) => {
    const answer = document.querySelector("[data-answer]");
    if (!answer) return;
    const { action, value } = detail;
    const some = answer.dataset.answer === "dislike";
    // A song may be in several rows: the line stands in the one that it left.
    const places = [...answer.querySelectorAll(BUTTONS)].filter((button) => actionOf(button) === action);
    const place = places.find((button) => button.closest(".removed-song")) || places[0];
    const key = place?.closest("[data-list]")?.dataset.list;
    if (place?.closest(".notice-stays")) undone = action;
    waiting = waiting.filter((one) => one.action !== action);
    if (value === "none") {
      // The song that came in for this one goes again, unless it has been rated meanwhile.
      const came = given.get(action);
      if (came?.isConnected && !came.querySelector("[aria-pressed=true]") && !came.contains(document.activeElement)) came.remove();
      given.delete(action);
      recount();
    } else if (key !== undefined && !given.has(action) && (value === "dislike" || !some)) waiting.push({ action, key });
    if (some && !waiting.length) return;
    // A list from before this reaction is of no use; after the announcement of the reaction itself.
    pending?.abort();
    clearTimeout(refreshing);
    refreshing = setTimeout(refresh, 250);
  });
})();
