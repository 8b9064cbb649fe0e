// The order of a playlist by dragging a song's handle, or by arrow keys on it. The buttons of the
// menu beside each song do the same without this script.
"use strict";

(() => {
  const WAIT = 400;
  const announce = (text) => {
    const place = document.querySelector("[data-announce]");
    if (place) place.textContent = text;
  };
  const rowsOf = (body) => [...body.children];
  const placeOf = (row) => rowsOf(row.parentElement).indexOf(row);
  const titleOf = (row) => row.querySelector(".title").textContent.trim();

  const number = (body) => {
    for (const [at, row] of rowsOf(body).entries()) {
      row.querySelector(".cell-number > span").textContent = String(at + 1);
    }
  };

  const pending = new Map();
  const save = async (row) => {
    const table = row.closest("[data-reorder]");
    const { drag: id } = row.querySelector("[data-drag]").dataset;
    const body = new FormData();
    body.set("csrf_token", row.closest("form").elements.csrf_token.value);
    body.set("do", "place");
    body.set("place", String(placeOf(row)));
    try {
      const answer = await fetch(`${table.dataset.reorder}/tracks/${id}`, {
        method: "POST", body, keepalive: true, credentials: "same-origin", headers: { Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      announce(`${titleOf(row)} is number ${placeOf(row) + 1} now.`);
    } catch {
      // What the server has is what counts.
      location.reload();
    }
  };
  // Several steps with a key are one move.
  const saveSoon = (row) => {
    clearTimeout(pending.get(row));
    pending.set(row, setTimeout(() => { pending.delete(row); save(row); }, WAIT));
  };

  // The others move around the row: taken out of the page, it would lose the pointer and the focus.
  const moveTo = (row, place) => {
    const rows = rowsOf(row.parentElement);
    const now = rows.indexOf(row);
    if (place > now) row.before(...rows.slice(now + 1, place + 1));
    else row.after(...rows.slice(Math.max(place, 0), now));
    number(row.parentElement);
  };

  document.addEventListener("keydown", (event) => {
    const handle = event.target.closest?.("[data-drag]");
    if (!handle || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = handle.closest("tr");
    const now = placeOf(row);
    const to = { ArrowUp: now - 1, ArrowDown: now + 1, Home: 0, End: row.parentElement.children.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (to < 0 || to >= row.parentElement.children.length || to === now) return;
    moveTo(row, to);
    handle.focus();
    row.scrollIntoView({ block: "nearest" });
    announce(`Number ${to + 1} of ${row.parentElement.children.length}`);
    saveSoon(row);
  });

  document.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest?.("[data-drag]");
    if (!handle || event.button) return;
    event.preventDefault();
    handle.focus();
    const row = handle.closest("tr");
    const begun = placeOf(row);
    row.classList.add("is-dragged");
    handle.setPointerCapture(event.pointerId);

    const move = (at) => {
      // The list follows at its edges, so that a long one can be crossed.
      if (at.clientY < 80) window.scrollBy(0, -16);
      else if (at.clientY > window.innerHeight - 120) window.scrollBy(0, 16);
      const rows = rowsOf(row.parentElement);
      const middle = (one) => { const box = one.getBoundingClientRect(); return box.top + box.height / 2; };
      const above = rows.filter((one) => one !== row && middle(one) < at.clientY).length;
      if (above !== rows.indexOf(row)) moveTo(row, above);
    };
    const end = () => {
      row.classList.remove("is-dragged");
      handle.removeEventListener("pointermove", move);
      if (placeOf(row) !== begun) save(row);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", end, { once: true });
  });

  const show = () => {
    for (const handle of document.querySelectorAll("[data-reorder] [data-drag]")) handle.hidden = false;
  };
  document.addEventListener("pagechange", show);
  show();
})();
