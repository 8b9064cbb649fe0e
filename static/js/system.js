// What the player tells the system it runs on, and hears from it: keys for media, the lock screen.
"use strict";

window.songrecSystem = {
  clock(seconds) {
    const whole = Math.max(0, Math.floor(seconds || 0));
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  },
  tell({ title, artists: artist }, artwork) {
    if (!("mediaSession" in navigator)) return;
    navigator.mediaSession.metadata = new MediaMetadata({ title, artist, artwork });
  },
  hear(handlers) {
    if (!("mediaSession" in navigator)) return;
    for (const [name, act] of Object.entries(handlers)) navigator.mediaSession.setActionHandler(name, act);
  },
};
