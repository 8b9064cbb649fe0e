// Two audio elements: one plays, the other has the next song ready, so that albums have no gaps.
"use strict";

window.songrecDeck = (elements) => {
  const MARK = "data-player-audio";
  const FORMATS = [["opus", 'audio/ogg; codecs="opus"'], ["mp3", "audio/mpeg"]];
  let [audio, spare] = elements;
  let prepared = null;

  const format = FORMATS.find(([, type]) => audio.canPlayType(type))?.[0] || "mp3";
  const isDirect = (song) => !song.transcoded
    || (!song.unplayable && (!song.type || audio.canPlayType(song.type) !== ""));
  // Chromium takes an address that once had no ranges for one without them: the complete file has another.
  const source = (song) => (isDirect(song)
    ? song.media : `${song.transcoded}?format=${format}${song.is_converted ? "&complete=1" : ""}`);

  const empty = (element) => {
    element.pause();
    if (!element.hasAttribute("src")) return;
    element.removeAttribute("src");
    element.load();
  };

  // Safari lets scripts start only elements that were loaded during a press.
  document.addEventListener("click", () => { if (!prepared) spare.load(); }, { once: true });

  return {
    get audio() { return audio; },
    source,
    isDirect,
    // Calls back for what happens to the element that plays, not to the one that waits.
    on(kind, handle) {
      for (const element of elements) {
        element.addEventListener(kind, (event) => { if (element === audio) handle(event); });
      }
    },
    // The sound of a song in the playing element; at `time` once its length is known.
    open(song, time = 0) {
      const address = source(song);
      if (prepared === address && spare.getAttribute("src") === address && !spare.error) {
        const before = audio;
        [audio, spare] = [spare, audio];
        before.pause();
        before.removeAttribute(MARK);
        audio.setAttribute(MARK, "");
        // Later: what takes time now would be a gap.
        setTimeout(() => { if (before !== audio && !prepared) empty(before); }, 1000);
      } else {
        audio.preload = "auto";
        audio.src = address;
      }
      prepared = null;
      if (!time) return;
      const element = audio;
      if (element.readyState >= 1) element.currentTime = time;
      else element.addEventListener("loadedmetadata", () => { element.currentTime = time; }, { once: true });
    },
    prepare(song) {
      const address = source(song);
      if (prepared === address) return;
      prepared = address;
      spare.preload = "auto";
      spare.src = address;
    },
    forget() {
      prepared = null;
      empty(spare);
    },
    close() {
      this.forget();
      empty(audio);
    },
    set volume(value) { for (const element of elements) element.volume = value; },
    get volume() { return audio.volume; },
    set muted(value) { for (const element of elements) element.muted = value; },
    get muted() { return audio.muted; },
  };
};
