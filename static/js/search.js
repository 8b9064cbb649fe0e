// The header's search field suggests while one types. Without this script it is a form that leads
// to the list of songs.
"use strict";

(() => {
  const form = document.querySelector("[data-search]");
  if (!form) return;
  const field = form.querySelector("input[type=search]");
  const list = form.querySelector("[data-search-panel]");
  const status = form.querySelector("[data-search-status]");
  const PAUSE = 110;
  let timer = 0;
  let pending = null;
  let shown = "";

  const options = () => [...list.querySelectorAll("[role=option]")];
  const active = () => list.querySelector("[aria-selected=true]");
  const isOpen = () => !list.hidden;

  const select = (option) => {
    active()?.setAttribute("aria-selected", "false");
    if (!option) {
      field.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };

  const close = () => {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    select(null);
  };

  const open = () => {
    if (!list.childElementCount || document.activeElement !== field) return;
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
  };

  const announce = () => {
    const [last, ...others] = options().reverse();
    const note = list.querySelector(".suggestions-note")?.textContent || "";
    const found = others.length ? `${others.length} suggestions.` : last?.textContent || "";
    status.textContent = `${note} ${found}`.trim();
  };

  const suggest = async () => {
    const text = field.value.trim();
    pending?.abort();
    if (!text) {
      list.replaceChildren();
      shown = "";
      close();
      return;
    }
    if (text === shown) {
      open();
      return;
    }
    const mine = new AbortController();
    pending = mine;
    const address = new URL(form.dataset.search, location.href);
    address.searchParams.set("q", text);
    try {
      const answer = await fetch(address, { signal: mine.signal, credentials: "same-origin", headers: { Accept: "text/html" } });
      // After signing out the answer is the page for signing in.
      if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
      list.innerHTML = await answer.text();
      shown = text;
      select(null);
      open();
      announce();
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  };

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", "suggestions");
  field.setAttribute("aria-expanded", "false");

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, PAUSE);
  });
  field.addEventListener("focus", () => { if (field.value.trim() === shown) open(); });

  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const all = options();
    const at = all.indexOf(active());
    if (event.key === "Escape" && isOpen()) close();
    else if (event.key === "Enter" && isOpen() && at >= 0) all[at].click();
    else if (event.key === "ArrowDown" && !isOpen()) suggest();
    else if (event.key === "ArrowDown" && all.length) select(all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp" && isOpen() && all.length) select(all[at <= 0 ? all.length - 1 : at - 1]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // A click on an option must not take the focus before the link is followed.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("mousemove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option !== active()) select(option);
  });
  list.addEventListener("click", () => setTimeout(close));
  form.addEventListener("submit", close);
  field.addEventListener("blur", close);
  document.addEventListener("pagechange", () => {
    clearTimeout(timer);
    pending?.abort();
    close();
  });

  document.addEventListener("keydown", (event) => {
    const writing = event.target.closest?.("input, textarea, select, [contenteditable]");
    const slash = event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey;
    const k = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!slash && !k) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
})();
