// Parts of songs one after the other, beside the queue: a reason to hear, or a taste of a song.
"use strict";

(() => {
  const player = window.songrecPlayer;
  if (!player) return;
  const FADE_S = 0.15;
  const PLAYING = "is-playing";
  const elements = [new Audio(), new Audio()];
  let session = null;

  const clear = (element) => {
    element.pause();
    if (!element.hasAttribute("src")) return;
    element.removeAttribute("src");
    element.load();
  };
  const marked = (button, index) => {
    const group = button?.closest("[data-hear-both-group]");
    for (const place of group?.querySelectorAll("[data-hearing]") || []) {
      place.classList.toggle(PLAYING, index !== null && place.dataset.hearing === String(index));
    }
    button?.classList.toggle(PLAYING, index !== null);
    button?.setAttribute("aria-pressed", String(index !== null));
  };

  const stop = ({ resume = false } = {}) => {
    if (!session) return;
    const { button, interrupted } = session;
    session = null;
    elements.forEach(clear);
    marked(button, null);
    if (resume && interrupted) player.start();
  };

  // Resolves when the element stands where the part begins, rejects where it cannot be played.
  const cue = (element, song, part) => new Promise((resolve, reject) => {
    const offset = player.deck.offsetOf(song, part.from);
    const from = offset ? 0 : part.from;
    part.end = from + part.for;
    element.preload = "auto";
    element.onerror = () => reject(new Error("unplayable"));
    element.oncanplay = () => {
      if (Math.abs(element.currentTime - from) < 0.5) resolve();
    };
    element.onloadedmetadata = () => { element.currentTime = from; };
    // Some sounds end before, and some servers send a sound only from its beginning.
    element.onseeked = () => {
      if (Math.abs(element.currentTime - from) >= 0.5) reject(new Error("out of reach"));
    };
    element.src = player.deck.source(song, offset);
  });

  // Plays a part to its end; the volume falls over the last moments, so that it does not click.
  const playPart = (element, part, mine) => new Promise((resolve, reject) => {
    element.volume = player.deck.volume;
    element.muted = player.deck.muted;
    let timer = null;
    const over = () => {
      clearInterval(timer);
      resolve();
    };
    timer = setInterval(() => {
      const left = part.end - element.currentTime;
      if (session !== mine || left <= 0 || element.ended) over();
      else if (left < FADE_S) element.volume = player.deck.volume * Math.max(0, left / FADE_S);
    }, 30);
    element.onended = over;
    element.play().catch((error) => {
      clearInterval(timer);
      reject(error);
    });
  });

  const play = async (parts, button) => {
    const interrupted = Boolean(session?.interrupted) || player.isPlaying();
    stop();
    const mine = { button, interrupted };
    session = mine;
    marked(button, -1);
    player.pause();
    try {
      const songs = new Map((await player.entries([...new Set(parts.map((part) => part.track))])).map((song) => [song.id, song]));
      const cues = [];
      const prepare = (index) => {
        const part = parts[index];
        if (part && songs.has(part.track)) cues[index] = cue(elements[index % 2], songs.get(part.track), part);
        cues[index]?.catch(() => {});
      };
      prepare(0);
      for (const [index, part] of parts.entries()) {
        if (!cues[index]) throw new Error("nothing to hear");
        await cues[index];
        if (session !== mine) return;
        prepare(index + 1);
        marked(button, index);
        if (part.label) player.announce(part.label);
        await playPart(elements[index % 2], part, mine);
        if (session !== mine) return;
        elements[index % 2].pause();
      }
      stop({ resume: true });
    } catch {
      if (session !== mine) return;
      stop({ resume: true });
      player.announce("This cannot be played right now.");
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-hear-both]");
    if (!button) return;
    event.preventDefault();
    if (session?.button === button) stop({ resume: true });
    else {
      play(JSON.parse(button.dataset.hearBoth).map((part) => ({
        ...part, track: String(part.track), from: Number(part.from) || 0, for: Number(part.for) || 5,
      })), button);
    }
  });
  document.addEventListener("songrec:play", ({ detail: { tracks = [], from = 0, seconds } }) => {
    if (!seconds || !tracks.length) return;
    play(tracks.map((track) => ({ track: String(track), from, for: seconds })), null);
  });
  document.addEventListener("songrec:stop", () => stop({ resume: true }));
  // The player's own button, or a page without the button, ends it.
  document.addEventListener("songrec:player", () => { if (session && player.isPlaying()) stop(); });
  document.addEventListener("pagechange", () => { if (session?.button && !session.button.isConnected) stop({ resume: true }); });
})();
