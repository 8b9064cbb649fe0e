// The waveform at the head of a song's page: pressed, the song plays from there. The player's own
// position does the same from the keyboard.
"use strict";

(() => {
  let shown = null;

  const show = () => {
    const place = document.querySelector("[data-song-wave]");
    if (!place || place === shown?.place) return;
    place.hidden = false;
    const wave = window.songrecWaveform(place.querySelector("canvas"));
    shown = { place, wave };
    wave.load(place.dataset.waveform);
    wave.at(0);
  };

  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-song-wave]");
    if (!place) return;
    const box = place.getBoundingClientRect();
    const from = ((event.clientX - box.left) / box.width) * Number(place.dataset.seconds);
    document.dispatchEvent(new CustomEvent("songrec:play", { detail: { tracks: [place.dataset.songWave], from } }));
  });

  // What has been played is coloured while the player plays this song.
  document.addEventListener("songrec:time", ({ detail: { share } }) => {
    if (!shown?.place.isConnected) return;
    const mine = document.querySelector(`[data-play="${CSS.escape(shown.place.dataset.songWave)}"][data-playing]`);
    if (mine) shown.wave.at(share);
  });

  document.addEventListener("pagechange", show);
  show();
})();
