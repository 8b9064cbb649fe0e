// What unfolds above the player's bar: the song that plays, what is like it, and the queue.
"use strict";

(() => {
  const player = window.songrecPlayer;
  if (!player) return;
  const { bar, queue } = player;
  const one = (name) => bar.querySelector(`[data-player-${name}]`);
  const view = one("view");
  const list = one("queue-list");
  const songView = one("song-view");
  const { clock } = window.songrecSystem;
  const small = window.matchMedia("(max-width: 959px)");
  const parser = new DOMParser();
  let opener = null;
  let shown = null;

  const icon = (name) => {
    const copy = one("unfold").querySelector("svg").cloneNode(true);
    const use = copy.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*$/, `#${name}`));
    return copy;
  };
  const element = (tag, values = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), values);
    made.append(...children);
    return made;
  };
  const button = (name, label, act, disabled = false) => {
    const made = element("button", { type: "button", className: "icon-button", title: label.replace(/:.*/, ""), disabled }, icon(name));
    made.setAttribute("aria-label", label);
    made.dataset.act = act;
    return made;
  };

  const row = (song, index) => {
    const playing = index === queue.at;
    const item = element("li", { className: "queue-song", draggable: true });
    item.dataset.index = index;
    if (playing) item.setAttribute("aria-current", "true");
    const cover = element("span", { className: "queue-cover" }, icon("note"));
    if (song.picture) cover.replaceChildren(element("img", { src: song.picture, alt: "", loading: "lazy" }));
    const play = element("button", { type: "button", className: "queue-title" },
      element("span", { className: "title", textContent: song.title }),
      element("span", { className: "by", textContent: song.artists }));
    play.dataset.act = "play";
    item.append(
      cover, play, element("span", { className: "figures small quiet", textContent: song.duration_s ? clock(song.duration_s) : "" }),
      element("span", { className: "queue-tools" },
        button("up", `Up: ${song.title}`, "up", index === 0),
        button("down", `Down: ${song.title}`, "down", index === queue.songs.length - 1),
        button("close", `Remove: ${song.title}`, "remove", playing)),
    );
    return item;
  };

  const showQueue = () => {
    list.replaceChildren(...queue.songs.map(row));
    const seconds = queue.songs.reduce((sum, song) => sum + (song.duration_s || 0), 0);
    const count = queue.songs.length;
    one("queue-size").textContent = `${count} ${count === 1 ? "song" : "songs"}, ${clock(seconds)}`;
    one("clear").disabled = count < 2;
  };

  const showSong = async () => {
    const song = queue.current;
    if (!song || song.id === shown) return;
    shown = song.id;
    songView.replaceChildren();
    if (!song.view) return;
    try {
      const answer = await fetch(song.view, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (!answer.ok || song.id !== shown) return;
      const page = parser.parseFromString(await answer.text(), "text/html");
      if (song.id !== shown) return;
      songView.replaceChildren(...page.body.children);
      const why = songView.querySelector("[data-why]");
      if (why && song.why) {
        why.textContent = song.why;
        why.hidden = false;
      }
      document.dispatchEvent(new CustomEvent("songrec:view"));
    } catch {
      // The bar below says what plays.
    }
  };

  const refresh = () => {
    if (!player.isOpen()) fold({ focus: false });
    if (view.hidden) return;
    const { act, index } = { ...document.activeElement?.dataset, ...document.activeElement?.closest(".queue-song")?.dataset };
    showQueue();
    showSong();
    if (act && index !== undefined) focusOn(Number(index), act);
  };
  // The button that was pressed keeps the focus where its song went.
  const focusOn = (index, act) => {
    const item = list.children[Math.max(0, Math.min(index, list.children.length - 1))];
    const target = item?.querySelector(`[data-act=${act}]:not(:disabled)`) || item?.querySelector("[data-act=play]");
    target?.focus();
  };

  // On a small window the view is all that there is.
  const rest = (inert) => {
    for (const part of document.body.children) {
      if (part !== bar && !part.matches("dialog, script, [data-announce]")) part.inert = inert;
    }
    document.documentElement.classList.toggle("player-is-open", inert);
  };
  const unfold = (target) => {
    if (view.hidden) {
      opener = document.activeElement;
      view.hidden = false;
      bar.classList.add("is-unfolded");
      for (const name of ["unfold", "open-queue"]) one(name).setAttribute("aria-expanded", "true");
      rest(small.matches);
      refresh();
      list.scrollTop = (list.children[queue.at]?.offsetTop || 0) - list.clientHeight / 3;
    }
    target.focus({ preventScroll: true });
    if (target === one("view-title")) view.scrollTop = 0;
    else target.scrollIntoView({ block: "start" });
  };
  const fold = ({ focus = true } = {}) => {
    if (view.hidden) return;
    view.hidden = true;
    bar.classList.remove("is-unfolded");
    for (const name of ["unfold", "open-queue"]) one(name).setAttribute("aria-expanded", "false");
    rest(false);
    if (focus && opener?.isConnected) opener.focus();
  };
  small.addEventListener("change", () => rest(!view.hidden && small.matches));

  const toggleQueue = () => {
    if (view.hidden) unfold(one("queue-title"));
    else fold();
  };
  one("unfold").addEventListener("click", () => { if (view.hidden) unfold(one("view-title")); else fold(); });
  one("open-queue").addEventListener("click", toggleQueue);
  one("fold").addEventListener("click", () => fold());
  bar.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || view.hidden) return;
    event.preventDefault();
    fold();
  });

  const move = (from, to) => {
    queue.move(from, to);
    player.reordered();
    player.announce(`${queue.songs[to].title}: place ${to + 1} of ${queue.songs.length}.`);
  };
  list.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-act]");
    if (!pressed) return;
    const index = Number(pressed.closest("li").dataset.index);
    const { act } = pressed.dataset;
    if (act === "play") {
      if (index === queue.at) player.toggle();
      else player.load(index);
    } else if (act === "remove") {
      const { title } = queue.songs[index];
      queue.remove(index);
      player.reordered();
      player.announce(`${title} is removed from the queue.`);
      focusOn(index, act);
    } else {
      const to = index + (act === "up" ? -1 : 1);
      move(index, to);
      focusOn(to, act);
    }
  });
  one("clear").addEventListener("click", () => {
    queue.keepOnlyCurrent();
    player.reordered();
    player.announce("The queue is cleared.");
    one("queue-title").focus();
  });

  // Dragging: the line above or below the row shows where the song will be.
  let dragged = null;
  const unmark = () => { for (const item of list.children) item.classList.remove("drop-above", "drop-below", "is-dragged"); };
  const target = (event) => {
    const item = event.target.closest?.(".queue-song");
    if (!item || dragged === null) return null;
    const box = item.getBoundingClientRect();
    return { item, below: event.clientY > box.top + box.height / 2 };
  };
  list.addEventListener("dragstart", (event) => {
    const item = event.target.closest(".queue-song");
    if (!item) return;
    dragged = Number(item.dataset.index);
    item.classList.add("is-dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", queue.songs[dragged].title);
  });
  list.addEventListener("dragover", (event) => {
    const place = target(event);
    if (!place) return;
    event.preventDefault();
    unmark();
    place.item.classList.add(place.below ? "drop-below" : "drop-above");
  });
  list.addEventListener("drop", (event) => {
    const place = target(event);
    if (!place) return;
    event.preventDefault();
    const over = Number(place.item.dataset.index) + (place.below ? 1 : 0);
    move(dragged, over > dragged ? over - 1 : over);
  });
  list.addEventListener("dragend", () => {
    dragged = null;
    unmark();
  });

  one("save").addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = event.target.querySelector("input");
    const place = one("saved");
    const body = new URLSearchParams({
      csrf_token: one("token").value, name: field.value, tracks: queue.songs.map((song) => song.id).join(","),
    });
    try {
      const answer = await fetch(view.dataset.playlists, { method: "POST", body, credentials: "same-origin", headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { name, size, address } = await answer.json();
      place.replaceChildren(element("a", { href: address, textContent: name }), ` is saved with ${size} ${size === 1 ? "song" : "songs"}.`);
      field.value = "";
    } catch {
      place.textContent = "It could not be saved. Try again in a moment.";
    }
  });

  document.addEventListener("songrec:player", refresh);
  // A link in the view leads to a page: the view makes way for it.
  let page = location.pathname;
  document.addEventListener("pagechange", () => {
    if (page !== location.pathname) fold({ focus: false });
    page = location.pathname;
  });

  window.songrecPlayerView = { toggleQueue };
})();
