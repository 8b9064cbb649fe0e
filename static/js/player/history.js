// What counts of listening: a song that is left early is a skip, one heard for long enough a play.
"use strict";

window.songrecHistory = (token) => {
  const ENOUGH = 30;
  const enough = (length) => Math.min(ENOUGH, (length || 2 * ENOUGH) / 2);
  let counted = false;

  const post = (address, values) => {
    if (!address || !token()) return;
    const body = new URLSearchParams({ csrf_token: token(), ...values });
    fetch(address, { method: "POST", body, keepalive: true, credentials: "same-origin", headers: { Accept: "application/json" } }).catch(() => {});
  };
  // Seconds of the song that were heard: what is jumped over does not count.
  const seconds = ({ played }) => {
    let sum = 0;
    for (let part = 0; part < played.length; part += 1) sum += played.end(part) - played.start(part);
    return sum;
  };

  return {
    begin() { counted = false; },
    progress(song, audio, length) {
      if (counted || seconds(audio) < enough(length)) return;
      counted = true;
      post(song.play_address, {});
    },
    skipped(song, { audio, time }, length) {
      // Only songs that were heard at all.
      if (!audio.played.length || audio.ended || time >= enough(length)) return;
      post(song?.skip_address, { after: time.toFixed(1) });
    },
  };
};
