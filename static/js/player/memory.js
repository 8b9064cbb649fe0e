// What the player remembers: its state for this tab and for the next visit, and its settings.
"use strict";

window.songrecPlayerMemory = (owner) => {
  // Several songrecs may lie below paths of one host.
  const root = document.documentElement.dataset.root.replace(/\/$/, "");
  const STATE = `songrec-player${root}`;
  const SETTINGS = `songrec-player-settings${root}`;
  const places = [() => sessionStorage, () => localStorage];

  // Browsers may refuse storage altogether, or have no room left.
  const attempt = (action) => { try { return action(); } catch { return null; } };
  const read = (place, key) => attempt(() => JSON.parse(place().getItem(key) || "null"));
  const write = (place, key, value) => attempt(() => {
    if (value === null) place().removeItem(key);
    else place().setItem(key, value);
  });

  return {
    // Another account's queue is nobody else's business; what was played before signing in stays.
    load() {
      for (const place of places) {
        const state = read(place, STATE);
        if (!state?.songs?.length) continue;
        if (state.owner && state.owner !== owner) {
          for (const other of places) write(other, STATE, null);
          return null;
        }
        return { ...state, playing: state.playing && place === places[0] };
      }
      return null;
    },
    save(state) {
      const text = state && JSON.stringify({ owner, ...state });
      for (const place of places) write(place, STATE, text);
    },
    settings() { return read(places[1], SETTINGS) || {}; },
    saveSettings(values) { write(places[1], SETTINGS, JSON.stringify(values)); },
  };
};
