// The system’s media controls (keys, lock screen): the song, where it is, and their buttons.
"use strict";

window.songrecSystem = {
  clock(seconds) {
    const whole = Math.max(0, Math.floor(seconds || 0));
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    const padded = (number) => String(number).padStart(2, "0");
    return hours ? `${hours}:${padded(minutes)}:${padded(whole % 60)}` : `${minutes}:${padded(whole % 60)}`;
  },
  setMetadata({ title, artists: artist, album }, artwork) {
    if (!("mediaSession" in navigator)) return;
    navigator.mediaSession.metadata = new MediaMetadata({ title, artist, album: album || "", artwork });
  },
  setPosition(position, duration) {
    if (!navigator.mediaSession?.setPositionState || !(duration > 0)) return;
    navigator.mediaSession.setPositionState({ duration, position: Math.min(position, duration), playbackRate: 1 });
  },
  setHandlers(handlers) {
    if (!("mediaSession" in navigator)) return;
    for (const [name, act] of Object.entries(handlers)) {
      // Not every browser knows every button.
      try { navigator.mediaSession.setActionHandler(name, act); } catch { /* it has no such button */ }
    }
  },
};
