// The player at the foot of the page: a queue, one audio element, and what it does survives the page.
"use strict";

(() => {
  const bar = document.querySelector("[data-player]");
  if (!bar) return;
  const one = (name) => bar.querySelector(`[data-player-${name}]`);
  const audio = one("audio");
  const seek = one("seek");
  const wave = window.songrecWaveform(one("wave"));
  const { clock, setMetadata, setHandlers } = window.songrecSystem;
  const KEPT = "songrec-player";
  let queue = [];
  let at = 0;
  let failures = 0;
  // Where a station's queue goes on, and the loading that is under way.
  let more = null;
  let loading = null;

  const AHEAD = 3;

  const current = () => queue[at];
  const length = () => (Number.isFinite(audio.duration) ? audio.duration : current()?.duration_s || 0);
  const announce = (text) => {
    const place = document.querySelector("[data-announce]");
    if (place) place.textContent = text;
  };
  const when = (button, ...states) => {
    for (const part of button.querySelectorAll("[data-when]")) part.hidden = !states.includes(part.dataset.when);
  };

  // The buttons in the page's lists: the one of the song that plays says so.
  const mark = () => {
    const playing = !audio.paused;
    for (const button of document.querySelectorAll("[data-play]")) {
      const mine = !bar.hidden && button.dataset.play === current()?.id;
      button.toggleAttribute("data-playing", mine);
      const title = button.getAttribute("aria-label").replace(/^(Play|Pause) /, "");
      button.setAttribute("aria-label", `${mine && playing ? "Pause" : "Play"} ${title}`);
      button.title = mine && playing ? "Pause" : "Play";
      const use = button.querySelector("use");
      use?.setAttribute("href", use.getAttribute("href").replace(/#.*$/, mine && playing ? "#pause" : "#play"));
    }
    for (const button of document.querySelectorAll("[data-play-all]")) button.hidden = false;
  };

  const show = () => {
    const total = length();
    const share = total ? Math.min(1, audio.currentTime / total) : 0;
    wave.mark(current()?.moment, total);
    if (document.activeElement !== seek || !seek.matches(":active")) seek.value = share;
    seek.setAttribute("aria-valuetext", `${clock(audio.currentTime)} of ${clock(total)}`);
    one("now").textContent = clock(audio.currentTime);
    one("length").textContent = total ? clock(total) : "";
    wave.at(share);
  };

  const save = () => {
    if (bar.hidden) {
      sessionStorage.removeItem(KEPT);
      return;
    }
    sessionStorage.setItem(KEPT, JSON.stringify({
      queue, at, more, time: audio.currentTime, playing: !audio.paused, volume: audio.volume, muted: audio.muted,
    }));
  };

  const start = async () => {
    try {
      await audio.play();
    } catch (error) {
      // A browser may refuse to go on by itself after a page was loaded anew.
      if (error.name === "NotAllowedError") announce("Press play to continue.");
    }
  };

  const showSong = (song) => {
    one("title").textContent = song.title;
    one("title").href = song.address || "#";
    one("artists").textContent = song.artists;
    const cover = one("cover");
    cover.hidden = true;
    cover.removeAttribute("src");
    cover.onload = () => { cover.hidden = false; };
    one("previous").disabled = at === 0 && queue.length === 1;
    one("next").disabled = at === queue.length - 1 && !more;
    const why = one("why");
    why.hidden = !song.why;
    why.textContent = song.why || "";
    setMetadata(song, []);
  };

  // The cover is made together with the waveform, so it is asked for only once that is there.
  const showCover = (song) => {
    if (!song.cover || song !== current()) return;
    one("cover").src = song.cover;
    setMetadata(song, [{ src: song.cover }]);
  };

  const load = (index, { play = true, time = 0 } = {}) => {
    at = index;
    const song = current();
    bar.hidden = false;
    audio.src = song.media;
    if (time) audio.addEventListener("loadedmetadata", () => { audio.currentTime = time; }, { once: true });
    showSong(song);
    wave.load(song.waveform, () => showCover(song));
    show();
    mark();
    if (play) start();
    save();
    if (at >= queue.length - AHEAD) extend();
  };

  // A station's queue asks for more before it ends; what was played does not come again.
  const extend = () => {
    if (!more || loading) return loading;
    loading = (async () => {
      try {
        // A part may hold only songs that were played or that are not to be heard.
        for (let tries = 0, begun = queue.length; more && tries < 5 && queue.length === begun; tries += 1) {
          const found = await fetched(more);
          const known = new Set(queue.map((song) => song.id));
          queue = [...queue, ...found.songs.filter((song) => !known.has(song.id))];
          more = found.more;
        }
      } catch {
        announce("The radio cannot continue right now.");
      }
      loading = null;
      one("next").disabled = at === queue.length - 1 && !more;
      save();
    })();
    return loading;
  };

  const toggle = () => (audio.paused ? start() : audio.pause());
  const next = async () => {
    if (at >= queue.length - 1 && more) await extend();
    if (at < queue.length - 1) load(at + 1);
    else save();
  };
  const skip = () => {
    if (at >= queue.length - 1 && !more) return;
    window.songrecSkipped(current(), audio, length(), bar.querySelector("[data-player-token]")?.value);
    next();
  };
  const previous = () => {
    // As on any player: first to the beginning, then to the song before.
    if (audio.currentTime > 3 || at === 0) audio.currentTime = 0;
    else load(at - 1);
  };
  const close = () => {
    audio.pause();
    audio.removeAttribute("src");
    audio.load();
    bar.hidden = true;
    queue = [];
    more = null;
    save();
    mark();
  };

  const fetched = async (address) => {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return answer.json();
  };

  const playList = async (address, id, moment = null) => {
    try {
      const answer = await fetched(address);
      let found = answer.songs || answer;
      let rest = answer.more || null;
      for (let tries = 0; !found.length && rest && tries < 5; tries += 1) {
        const further = await fetched(rest);
        found = further.songs;
        rest = further.more;
      }
      const index = id ? found.findIndex((song) => song.id === id) : 0;
      if (!found.length || index < 0) throw new Error("nothing to hear");
      await loading;
      queue = found;
      more = rest;
      failures = 0;
      if (moment) queue[index] = { ...queue[index], moment };
      load(index, { time: moment?.from || 0 });
    } catch {
      announce("This cannot be played right now.");
    }
  };

  // The queue of a button in a list is that list: what stands on the page, in its order.
  const around = (button, id = button.dataset.play) => {
    const place = button.closest("ol, ul, table, main") || document;
    const ids = [...new Set([...place.querySelectorAll("[data-play]")].map((b) => b.dataset.play))];
    const from = Math.max(0, ids.indexOf(id) - 50);
    return `${bar.dataset.queue}?tracks=${ids.slice(from, from + 200).join(",")}`;
  };

  // A moment of a song: from there on, also where the song plays already.
  const playMoment = (link) => {
    const { moment: id, from, for: lasts } = link.dataset;
    const moment = { from: Number(from), lasts: Number(lasts) };
    if (bar.hidden || id !== current()?.id) return playList(around(link, id), id, moment);
    queue[at] = { ...current(), moment };
    audio.currentTime = moment.from;
    return start();
  };

  document.addEventListener("click", (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return undefined;
    const button = event.target.closest("[data-play], [data-play-all], [data-play-song], [data-moment]");
    if (!button) return undefined;
    event.preventDefault();
    if (button.dataset.moment) playMoment(button);
    else if (button.dataset.playAll) playList(button.dataset.playAll);
    else if (!bar.hidden && button.dataset.play === current()?.id) toggle();
    else if (button.dataset.playSong) {
      const song = JSON.parse(button.dataset.playSong);
      if (!bar.hidden && song.id === current()?.id) return toggle();
      queue = [song];
      more = null;
      load(0);
    } else playList(around(button), button.dataset.play);
    return undefined;
  });

  one("toggle").addEventListener("click", toggle);
  one("next").addEventListener("click", skip);
  one("previous").addEventListener("click", previous);
  one("close").addEventListener("click", close);
  one("mute").addEventListener("click", () => { audio.muted = !audio.muted; });
  one("volume").addEventListener("input", (event) => { audio.volume = Number(event.target.value); });
  seek.addEventListener("input", () => { audio.currentTime = Number(seek.value) * length(); });

  // Keys count while the focus is in the player, so that they take nothing away from the page.
  bar.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    const step = { arrowleft: -5, arrowright: 5, home: -Infinity }[key];
    if (step !== undefined && event.target === seek) {
      audio.currentTime = Math.max(0, Math.min(length(), audio.currentTime + step));
    } else if (key === " " && !event.target.matches("button, a")) toggle();
    else if (key === "n") skip();
    else if (key === "p") previous();
    else if (key === "m") audio.muted = !audio.muted;
    else return;
    event.preventDefault();
  });

  const others = "BroadcastChannel" in window ? new BroadcastChannel(KEPT) : null;
  if (others) others.onmessage = () => audio.pause();

  audio.addEventListener("play", () => { others?.postMessage("play"); });
  for (const kind of ["play", "pause"]) {
    audio.addEventListener(kind, () => {
      when(one("toggle"), audio.paused ? "paused" : "playing");
      one("toggle").setAttribute("aria-label", audio.paused ? "Play" : "Pause");
      mark();
      save();
    });
  }
  audio.addEventListener("volumechange", () => {
    const mute = audio.muted || audio.volume === 0;
    when(one("mute"), mute ? "mute" : "loud");
    one("mute").setAttribute("aria-pressed", String(mute));
    one("volume").value = audio.muted ? 0 : audio.volume;
  });
  for (const kind of ["timeupdate", "seeked", "loadedmetadata", "durationchange"]) audio.addEventListener(kind, show);
  audio.addEventListener("playing", () => {
    failures = 0;
    // A track of an album file is cut out of it at first, which takes a moment.
    const ahead = queue[at + 1];
    if (ahead?.is_part) fetch(ahead.media, { method: "HEAD" }).catch(() => {});
  });
  audio.addEventListener("ended", next);
  audio.addEventListener("error", () => {
    if (!audio.getAttribute("src")) return;
    announce(`${current()?.title} cannot be played.`);
    failures += 1;
    if (failures < queue.length) next();
  });

  setHandlers({ play: start, pause: () => audio.pause(), previoustrack: previous, nexttrack: skip,
    seekto: (event) => { audio.currentTime = event.seekTime; } });

  window.addEventListener("pagehide", save);
  document.addEventListener("pagechange", mark);
  window.songrecPlayer = { isPlaying: () => !bar.hidden && !audio.paused && !audio.ended };

  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
    if (kept?.queue?.length) {
      queue = kept.queue;
      more = kept.more || null;
      audio.volume = kept.volume;
      audio.muted = kept.muted;
      load(Math.min(kept.at, queue.length - 1), { play: kept.playing, time: kept.time });
    }
  } catch {
    sessionStorage.removeItem(KEPT);
  }
  mark();
})();
