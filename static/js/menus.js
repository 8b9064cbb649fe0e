// Menus are disclosures: one is open at a time, Escape and a press elsewhere close it, and it opens
// upwards where there is no room below. Without this script they open and close by their buttons.
"use strict";

(() => {
  const open = () => document.querySelector("details.menu[open]");
  // What every song offers stands on the page once, with SONG for its id.
  const complete = (menu) => {
    const { song } = menu.dataset;
    const more = document.querySelector("template[data-song-menu]");
    if (!song || !more) return;
    delete menu.dataset.song;
    const part = more.content.cloneNode(true);
    for (const link of part.querySelectorAll("a")) link.setAttribute("href", link.getAttribute("href").replace("SONG", song));
    const next = part.querySelector("[data-enqueue]");
    if (next) next.dataset.enqueue = song;
    if (!menu.closest("tr, li")?.querySelector("[data-play]")) next?.remove();
    menu.querySelector(".menu-items").prepend(part);
  };
  const close = (menu, { focus = false } = {}) => {
    if (!menu) return;
    menu.open = false;
    if (focus) menu.querySelector("summary").focus();
  };

  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLDetailsElement) || !menu.matches(".menu") || !menu.open) return;
    complete(menu);
    for (const other of document.querySelectorAll("details.menu[open]")) {
      if (other !== menu && !other.contains(menu)) close(other);
    }
    menu.classList.remove("menu-up", "menu-left");
    const items = menu.lastElementChild.getBoundingClientRect();
    const floor = document.querySelector("[data-player]:not([hidden])")?.getBoundingClientRect().top || window.innerHeight;
    if (items.bottom > floor && items.top - items.height > 0) menu.classList.add("menu-up");
    if (items.left < 0) menu.classList.add("menu-left");
  }, true);

  document.addEventListener("keydown", (event) => {
    const menu = open();
    if (event.key !== "Escape" || !menu) return;
    event.preventDefault();
    close(menu, { focus: menu.contains(document.activeElement) });
  });

  document.addEventListener("click", (event) => {
    const menu = open();
    if (!menu) return;
    if (!menu.contains(event.target)) close(menu);
    // What was chosen is done: the menu has nothing more to say. A field in it stays open.
    else if (event.target.closest(".menu-items > a, .menu-items > button")) setTimeout(() => close(menu));
  });

  document.addEventListener("focusout", (event) => {
    const menu = open();
    if (menu?.contains(event.target) && event.relatedTarget && !menu.contains(event.relatedTarget)) close(menu);
  });

  // Copies the text of a field that a button names.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy");
    }
    const place = document.querySelector("[data-announce]");
    if (place) place.textContent = "Copied.";
    button.textContent = "Copied";
  });
})();
