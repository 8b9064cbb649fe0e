// Keys of the player: on the whole page unless switched off, and never in fields.
"use strict";

(() => {
  const player = window.songrecPlayer;
  if (!player) return;
  const { bar } = player;
  const KEYS = [
    [["Space"], "Play or pause"],
    [["←", "→"], "5 seconds back or forward"],
    [["Shift", "↑", "↓"], "Louder or quieter (in the player without Shift)"],
    [["N", "P"], "Next or previous song"],
    [["L"], "Like the song, or take it back"],
    [["S", "R"], "Shuffle, repeat"],
    [["M"], "Mute"],
    [["Q"], "Queue"],
    [["?"], "This list"],
  ];
  const STORED = "songrec-player-keys";
  const STEP_S = 5;
  const STEP_VOLUME = 0.05;
  const attempt = (action) => { try { return action(); } catch { return null; } };
  let everywhere = attempt(() => localStorage.getItem(STORED)) !== "player";
  let dialog = null;

  const element = (tag, values, ...children) => {
    const made = Object.assign(document.createElement(tag), values);
    made.append(...children);
    return made;
  };
  const build = () => {
    const rows = KEYS.map(([keys, text]) => element("div", {},
      element("dt", {}, ...keys.flatMap((key) => [element("kbd", { textContent: key }), " "])),
      element("dd", { textContent: text })));
    const box = element("input", { type: "checkbox", checked: everywhere });
    box.addEventListener("change", () => {
      everywhere = box.checked;
      attempt(() => localStorage.setItem(STORED, everywhere ? "page" : "player"));
    });
    const made = element("dialog", { className: "player-keys" },
      element("h2", { id: "player-keys-title", textContent: "Keyboard shortcuts" }),
      element("dl", {}, ...rows),
      element("label", { className: "check" }, box, " On the whole page, not only in the player"),
      element("form", { method: "dialog" }, element("button", { className: "button", textContent: "Close" })));
    made.setAttribute("aria-labelledby", "player-keys-title");
    document.body.append(made);
    return made;
  };
  const open = () => {
    dialog ??= build();
    if (!dialog.open) dialog.showModal();
  };
  bar.querySelector("[data-player-open-keys]").addEventListener("click", open);

  const TYPING = "input:not([type=range], [type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]";
  // What uses the key itself: a button its space, a slider or a list its arrows.
  const uses = (target, key) => {
    if (target.closest(TYPING)) return true;
    if (key === " ") return Boolean(target.closest("button, summary, input, [role=button], [role=option], [role=application], video, audio"));
    if (!key.startsWith("arrow")) return Boolean(target.closest("[role=application]"));
    return Boolean(target.closest("input, canvas, [role=slider], [role=listbox], [role=combobox], [role=menu], [role=tablist], [role=application], [role=grid], [tabindex='0']"));
  };

  const ACTIONS = {
    " ": () => player.toggle(),
    arrowleft: () => player.seekBy(-STEP_S),
    arrowright: () => player.seekBy(STEP_S),
    n: () => player.skip(),
    p: () => player.previous(),
    m: () => player.mute(),
    l: () => player.like(),
    s: () => player.shuffle(),
    r: () => bar.querySelector("[data-player-repeat]").click(),
    q: () => window.songrecPlayerView?.toggleQueue(),
    "?": open,
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.repeat && !event.key.startsWith("Arrow")) return;
    if (!player.isOpen() || document.querySelector("dialog[open]")) return;
    const target = event.target instanceof Element ? event.target : document.body;
    const inside = bar.contains(target);
    if (!inside && !everywhere) return;
    const key = event.key.toLowerCase();
    const seek = target.matches("[data-player-seek]");
    if (seek && (key === "home" || key === "end")) player.seekTo(key === "home" ? 0 : 1);
    else if (seek && (key === "arrowleft" || key === "arrowright" || key === " ")) ACTIONS[key]();
    else if (uses(target, key)) return;
    // Up and down scroll the page, unless the focus is in the player.
    else if ((key === "arrowup" || key === "arrowdown") && (inside || event.shiftKey)) {
      player.volumeBy(key === "arrowup" ? STEP_VOLUME : -STEP_VOLUME);
    } else if (event.shiftKey && key !== "?") return;
    else if (ACTIONS[key] && (inside || player.wasPlayed() || key === "?")) ACTIONS[key]();
    else return;
    event.preventDefault();
  });
})();
