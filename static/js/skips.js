// A song that is left within its first seconds: weak evidence, it counts for the listener’s own taste only.
"use strict";

(() => {
  const WITHIN = 30;

  // song: what the player plays; audio: its element; length: seconds, 0 where unknown.
  window.songrecSkipped = (song, audio, length, token) => {
    const early = Math.min(WITHIN, (length || 2 * WITHIN) / 2);
    // Only songs of the catalogue, and only those that were heard at all.
    if (!token || !song?.address?.includes("/tracks/") || !audio.played.length || audio.ended) return;
    if (audio.currentTime >= early) return;
    const body = new URLSearchParams({ csrf_token: token, after: audio.currentTime.toFixed(1) });
    fetch(`${song.address}/skip`, { method: "POST", body, keepalive: true, credentials: "same-origin", headers: { Accept: "application/json" } }).catch(() => {});
  };
})();
