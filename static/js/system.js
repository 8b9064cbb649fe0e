// The system’s media controls (keys, lock screen): metadata of the song and handlers of their buttons.
"use strict";

window.songrecSystem = {
  clock(seconds) {
    const whole = Math.max(0, Math.floor(seconds || 0));
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  },
  setMetadata({ title, artists: artist }, artwork) {
    if (!("mediaSession" in navigator)) return;
    navigator.mediaSession.metadata = new MediaMetadata({ title, artist, artwork });
  },
  setHandlers(handlers) {
    if (!("mediaSession" in navigator)) return;
    for (const [name, act] of Object.entries(handlers)) navigator.mediaSession.setActionHandler(name, act);
  },
};
