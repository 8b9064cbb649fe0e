// Two audio elements: one plays, the other has the next song ready and begins as the first one ends,
// so that albums have no gaps.
"use strict";

window.songrecDeck = (elements) => {
  const MARK = "data-player-audio";
  const LONGEST_DELAY = 0.2;
  const FORMATS = [["opus", 'audio/ogg; codecs="opus"'], ["mp3", "audio/mpeg"]];
  let [audio, spare] = elements;
  let prepared = null;
  // What plays was opened at `begun`; the sound in the element begins at `offset` of the song.
  let begun = 0;
  let offset = 0;
  // Seconds until an element that is ready sounds, as measured whenever one begins.
  let delay = 0.05;

  const format = FORMATS.find(([, type]) => audio.canPlayType(type))?.[0] || "mp3";
  const isDirect = (song) => !song.transcoded
    || (!song.unplayable && (!song.type || audio.canPlayType(song.type) !== ""));
  // Chromium takes an address that once had no ranges for one without them: the complete file has another.
  // With `from` a conversion that begins there.
  const source = (song, from = 0) => {
    if (isDirect(song)) return song.media;
    const place = from ? `&from=${from}` : "";
    return `${song.transcoded}?format=${format}${song.is_converted ? "&complete=1" : place}`;
  };
  // Until a song is converted, what has not arrived is converted from that place on.
  const offsetOf = (song, time) => (time < 1 || isDirect(song) || song.is_converted ? 0 : Math.round(time * 10) / 10);
  const isBuffered = ({ buffered }, time) => {
    for (let part = 0; part < buffered.length; part += 1) {
      if (buffered.start(part) <= time && time < buffered.end(part)) return true;
    }
    return false;
  };

  const empty = (element) => {
    element.pause();
    if (!element.hasAttribute("src")) return;
    element.removeAttribute("src");
    element.load();
  };

  const measureDelay = ({ target: element }) => {
    const [began, from] = [performance.now(), element.currentTime];
    const measure = () => {
      if (element.currentTime === from) return;
      element.removeEventListener("timeupdate", measure);
      const measured = (performance.now() - began) / 1000 - (element.currentTime - from);
      if (measured > 0 && measured < LONGEST_DELAY) delay += 0.3 * (measured - delay);
    };
    element.addEventListener("timeupdate", measure);
  };
  for (const element of elements) element.addEventListener("playing", measureDelay);

  // Safari lets scripts start only elements that were loaded during a press.
  document.addEventListener("click", () => { if (!prepared) spare.load(); }, { once: true });

  return {
    get audio() { return audio; },
    get begun() { return begun; },
    get offset() { return offset; },
    // Position and length in the song, in seconds; the length is NaN or infinite until it is known.
    get time() { return offset + audio.currentTime; },
    get length() { return offset + audio.duration; },
    source,
    offsetOf,
    isDirect,
    // A song that is still being converted can be heard, but only where it has arrived.
    canSeek(song, time) {
      const local = time - offset;
      return isDirect(song) || (local >= 0 && (Number.isFinite(audio.duration) || isBuffered(audio, local)));
    },
    seek(time) {
      audio.onloadedmetadata = null;
      audio.currentTime = time - offset;
    },
    // Calls back for what happens to the element that plays, not to the one that waits.
    on(kind, handle) {
      for (const element of elements) {
        element.addEventListener(kind, (event) => { if (element === audio) handle(event); });
      }
    },
    // Seconds until the prepared song has to begin for no gap to be heard; NaN where nobody can tell:
    // a browser knows the length for sure once it has the whole sound.
    untilNext(song) {
      const { buffered, duration, currentTime } = audio;
      const isWhole = buffered.length > 0 && buffered.end(buffered.length - 1) > duration - 0.05;
      const isReady = prepared === source(song) && spare.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
      return isWhole && isReady ? duration - currentTime - delay : NaN;
    },
    // The sound of a song in the playing element; at `time` once its length is known. Where it
    // `joins`, the song before is heard to its end.
    open(song, time = 0, { joins = false } = {}) {
      begun = time;
      offset = offsetOf(song, time);
      const address = source(song, offset);
      if (prepared === address && spare.getAttribute("src") === address && !spare.error) {
        const before = audio;
        [audio, spare] = [spare, audio];
        if (!joins) before.pause();
        before.removeAttribute(MARK);
        audio.setAttribute(MARK, "");
        // Later: what takes time now would be a gap.
        setTimeout(() => { if (before !== audio && !prepared) empty(before); }, 1000);
      } else {
        audio.preload = "auto";
        audio.src = address;
      }
      prepared = null;
      // What was to be sought in the sound that was opened here before is none of this one's.
      audio.onloadedmetadata = null;
      if (!time || offset) return;
      const element = audio;
      if (element.readyState >= 1) element.currentTime = time;
      else element.onloadedmetadata = () => { element.currentTime = time; };
    },
    prepare(song) {
      const address = source(song);
      // The song before may still be ending.
      if (prepared === address || !(spare.paused || spare.ended)) return;
      prepared = address;
      spare.onloadedmetadata = null;
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
