// Like and dislike without leaving the page. The forms work on their own; this sends them by fetch.
"use strict";

(() => {
  const announce = (text) => {
    const place = document.querySelector("[data-announce]");
    if (!place) return;
    // Emptied first, so that the same words are read out again.
    place.textContent = "";
    setTimeout(() => { place.textContent = text; }, 50);
  };

  const counters = (likes) => {
    for (const counter of document.querySelectorAll("[data-like-count]")) counter.textContent = likes;
  };

  // The buttons of every form on this song: it may stand on the page more than once.
  const show = (action, value) => {
    for (const form of document.querySelectorAll("form[data-reaction]")) {
      if (form.getAttribute("action") !== action) continue;
      const [like, dislike] = form.querySelectorAll("button[name=value]");
      for (const [button, name] of [[like, "like"], [dislike, "dislike"]]) {
        if (!button) continue;
        const pressed = value === name;
        button.setAttribute("aria-pressed", String(pressed));
        button.value = pressed ? "none" : name;
      }
    }
  };

  const leave = (item) => {
    const next = item.nextElementSibling || item.previousElementSibling;
    const heading = document.querySelector("h1");
    item.classList.add("leaving");
    setTimeout(() => {
      const hadFocus = item.contains(document.activeElement);
      item.remove();
      if (!hadFocus) return;
      const target = next?.querySelector("a, button") || heading;
      if (target === heading) heading?.setAttribute("tabindex", "-1");
      target?.focus();
    }, window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 200);
  };

  const words = (title, value) => {
    if (value === "like") return `You like ${title}.`;
    if (value === "dislike") return `${title} will not be recommended.`;
    return `Undone: ${title}.`;
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches("[data-reaction]")) return;
    const button = event.submitter;
    if (!button || form.dataset.busy) return;
    event.preventDefault();
    form.dataset.busy = "1";
    const body = new FormData(form);
    body.set("value", button.value);
    try {
      // keepalive: a like counts even when the next page is already being opened.
      const answer = await fetch(form.action, {
        method: "POST", body, keepalive: true, headers: { Accept: "application/json" }, credentials: "same-origin",
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { value, likes } = await answer.json();
      show(form.getAttribute("action"), value);
      counters(likes);
      const item = form.closest("li");
      const title = item?.querySelector(".title")?.textContent.trim()
        || button.getAttribute("aria-label").replace(/^(Like|[^:]*:) /, "");
      announce(words(title, value));
      if (item?.dataset.whenDisliked === "remove" && value === "dislike") leave(item);
      if (item?.dataset.whenUndone === "remove" && value === "none") leave(item);
      document.dispatchEvent(new CustomEvent("reaction", { detail: { action: form.getAttribute("action"), value, likes } }));
    } catch {
      // Whatever went wrong, the plain form says it in a page of its own.
      const plain = document.createElement("input");
      Object.assign(plain, { type: "hidden", name: "value", value: button.value });
      form.append(plain);
      form.submit();
    } finally {
      delete form.dataset.busy;
    }
  });
})();
