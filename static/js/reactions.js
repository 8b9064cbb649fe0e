// Like and dislike without leaving the page. The forms work on their own; this sends them by fetch.
"use strict";

(() => {
  // The items of lists that a line with Undo stands in place of.
  const removed = new WeakMap();

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

  // The buttons for a song, on the page wherever it stands, each with the value that it gives when not pressed.
  const buttons = (action) => {
    const places = [...document.querySelectorAll("form[data-reaction], button[formaction]")];
    return places
      .filter((one) => (one.getAttribute("formaction") ?? one.getAttribute("action")) === action)
      .flatMap((place) => {
        const alone = place.matches(".i-heart") ? [place] : [null, place];
        const [like, dislike] = place.matches("button") ? alone : place.querySelectorAll("button[name=value]");
        return [[like, "like"], [dislike, "dislike"]];
      })
      .filter(([button]) => button?.hasAttribute("aria-pressed"));
  };

  const rating = (action) => buttons(action).find(([button]) => button.getAttribute("aria-pressed") === "true")?.[1] || "none";

  const show = (action, value) => {
    for (const [button, name] of buttons(action)) {
      const pressed = value === name;
      button.setAttribute("aria-pressed", String(pressed));
      button.value = pressed ? "none" : name;
    }
  };

  const words = (title, value, before) => {
    if (value === "like") return `You like “${title}”.`;
    if (value === "dislike") return `Removed “${title}”.`;
    return before === "like" ? `“${title}” is no longer liked.` : `“${title}” may be recommended again.`;
  };

  // A slim line in place of a song that leaves its list; its button takes that back.
  const leave = (item, form, { action, title, value, before }) => {
    const line = document.createElement("li");
    line.className = "removed-song";
    const text = document.createElement("span");
    text.textContent = words(title, value, before);
    const button = document.createElement("button");
    Object.assign(button, { className: "button", name: "value", value: before, textContent: "Undo" });
    button.setAttribute("aria-label", `Undo: ${title}`);
    button.setAttribute("formaction", action);
    let place = button;
    // A form around the whole list takes this button as well.
    if (item.contains(form)) {
      place = form.cloneNode();
      place.append(...[...form.querySelectorAll("input")].map((field) => field.cloneNode()), button);
      place.className = "";
    }
    line.append(text, place);
    const hadFocus = item.contains(document.activeElement);
    removed.set(line, item);
    item.replaceWith(line);
    if (hadFocus) button.focus();
  };

  const restore = (line) => {
    const item = removed.get(line);
    const hadFocus = line.contains(document.activeElement);
    line.replaceWith(item);
    if (hadFocus) item.querySelector("button[name=value]")?.focus();
    return item;
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches("[data-reaction]")) return;
    const button = event.submitter;
    // A menu beside the buttons may send the form elsewhere.
    if (!button || button.dataset.busy || button.name !== "value") return;
    event.preventDefault();
    button.dataset.busy = "1";
    // A heart without a form of its own names its address itself.
    const action = button.getAttribute("formaction") ?? form.getAttribute("action");
    const body = new FormData(form);
    body.set("value", button.value);
    try {
      // keepalive: a like counts even when the next page is already being opened.
      const answer = await fetch(action, {
        method: "POST", body, keepalive: true, headers: { Accept: "application/json" }, credentials: "same-origin",
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { value, likes } = await answer.json();
      let item = button.closest("li, tr");
      if (removed.has(item)) item = restore(item);
      const before = rating(action);
      const title = item?.querySelector(".title")?.textContent.trim()
        || (button.getAttribute("aria-label") || "").replace(/^(Like|[^:]*:) /, "");
      show(action, value);
      counters(likes);
      announce(words(title, value, before));
      const leaves = { dislike: item?.closest("[data-when-disliked]")?.dataset.whenDisliked, none: item?.dataset.whenUndone }[value];
      if (leaves === "remove" && before !== value) leave(item, form, { action, title, value, before });
      document.dispatchEvent(new CustomEvent("reaction", { detail: { action, value, before, likes } }));
    } catch {
      // Whatever went wrong, the plain form says it in a page of its own.
      const plain = document.createElement("input");
      Object.assign(plain, { type: "hidden", name: "value", value: button.value });
      form.append(plain);
      form.action = action;
      form.submit();
    } finally {
      delete button.dataset.busy;
    }
  });
})();
