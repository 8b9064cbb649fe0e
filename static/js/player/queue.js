// The player's queue: songs in the order of playing, shuffled or not, and what follows at its end.
"use strict";

window.songrecQueue = () => {
  const REPEATS = ["off", "all", "one"];
  let songs = [];
  let at = 0;
  let shuffled = false;
  let repeat = "off";

  // Each song keeps its place in the list as it was before shuffling.
  const numbered = () => { if (!shuffled) songs.forEach((song, index) => { song.place = index; }); };
  const lastPlace = () => songs.reduce((last, song) => Math.max(last, song.place), -1);

  const shuffle = () => {
    const rest = songs.filter((_, index) => index !== at);
    for (let i = rest.length - 1; i > 0; i -= 1) {
      const j = Math.floor(Math.random() * (i + 1));
      [rest[i], rest[j]] = [rest[j], rest[i]];
    }
    songs = [songs[at], ...rest];
    at = 0;
  };

  return {
    get songs() { return songs; },
    get at() { return at; },
    get current() { return songs[at]; },
    get shuffled() { return shuffled; },
    get repeat() { return repeat; },
    set repeat(value) { if (REPEATS.includes(value)) repeat = value; },
    nextRepeat() { return REPEATS[(REPEATS.indexOf(repeat) + 1) % REPEATS.length]; },

    replace(list, index = 0) {
      songs = list.map((song, place) => ({ ...song, place }));
      at = index;
      if (shuffled && songs.length) shuffle();
    },
    restore(list, index, isShuffled) {
      songs = list;
      at = Math.max(0, Math.min(index, songs.length - 1));
      shuffled = isShuffled;
    },
    // What a radio adds: only songs that are not there yet.
    append(list) {
      const known = new Set(songs.map((song) => song.id));
      let place = lastPlace();
      for (const song of list) if (!known.has(song.id)) songs.push({ ...song, place: place += 1 });
    },
    playNext(song) {
      const index = songs.findIndex((other, i) => i !== at && other.id === song.id);
      if (index >= 0) this.remove(index);
      const place = songs.length ? songs[at].place + 0.5 : 0;
      songs.splice(songs.length ? at + 1 : 0, 0, { ...song, place });
      numbered();
    },
    jump(index) { at = index; },
    move(from, to) {
      if (to < 0 || to >= songs.length || from === to) return;
      const playing = songs[at];
      songs.splice(to, 0, ...songs.splice(from, 1));
      at = songs.indexOf(playing);
      numbered();
    },
    // The one that plays cannot be removed before another one plays.
    remove(index) {
      songs.splice(index, 1);
      if (index < at) at -= 1;
      numbered();
    },
    keepOnlyCurrent() {
      songs = songs.slice(at, at + 1);
      at = 0;
      numbered();
    },
    shuffle(on) {
      if (on === shuffled) return;
      shuffled = on;
      if (!songs.length) return;
      if (on) shuffle();
      else {
        const playing = songs[at];
        songs = [...songs].sort((one, other) => one.place - other.place);
        at = songs.indexOf(playing);
        numbered();
      }
    },
    // The index of the song that follows, -1 for none; `ended`: by itself, not by the button.
    following({ ended = false, more = false } = {}) {
      if (ended && repeat === "one") return at;
      if (at < songs.length - 1) return at + 1;
      return repeat !== "off" && !more && songs.length ? 0 : -1;
    },
  };
};
