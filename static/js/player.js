// The player at the foot of the page: plays a queue, and what it does survives the page.
"use strict";

(() => {
  const bar = document.querySelector("[data-player]");
  if (!bar) return;
  const one = (name) => bar.querySelector(`[data-player-${name}]`);
  const deck = window.songrecDeck([...bar.querySelectorAll("audio")]);
  const queue = window.songrecQueue();
  const memory = window.songrecPlayerMemory(bar.dataset.owner);
  const history = window.songrecHistory(() => one("token")?.value);
  const seek = one("seek");
  const wave = window.songrecWaveform(one("wave"));
  const { clock, setMetadata, setHandlers, setPosition } = window.songrecSystem;
  const AHEAD = 3;
  const PREPARE_S = 20;
  const JOIN_S = 1;
  const SAVE_MS = 5000;
  const SETTLE_MS = 250;
  let failures = 0;
  // Where a station's queue goes on, and the loading that is under way.
  let more = null;
  let loading = null;
  // The address that the whole queue came from.
  let source = null;
  // Where the restored song goes on once somebody presses play; until then its sound is not loaded.
  let resumeAt = null;
  let saved = 0;
  let joining = 0;
  // Where a song that is not converted yet goes on in a moment: `{ song, time }`.
  let sought = null;

  const current = () => queue.current;
  const length = () => (Number.isFinite(deck.length) ? deck.length : current()?.duration_s || 0);
  const position = () => resumeAt ?? sought?.time ?? deck.time;
  const isPlaying = () => !bar.hidden && !deck.audio.paused && !deck.audio.ended;
  const changed = () => document.dispatchEvent(new CustomEvent("songrec:player"));

  const announce = (text) => {
    const place = document.querySelector("[data-announce]");
    if (place) place.textContent = text;
    const note = one("note");
    note.textContent = text;
    note.hidden = false;
    clearTimeout(note.timer);
    note.timer = setTimeout(() => { note.hidden = true; }, 6000);
  };
  const when = (button, ...states) => {
    for (const part of button.querySelectorAll("[data-when]")) part.hidden = !states.includes(part.dataset.when);
  };

  // The buttons in the page's lists: the one of the song that plays says so.
  const mark = () => {
    const playing = isPlaying();
    for (const button of document.querySelectorAll("[data-play], [data-play-all][aria-label]")) {
      const { play, playAll } = button.dataset;
      const mine = !bar.hidden && (playAll ? playAll === source : play === current()?.id);
      const word = mine && playing ? "Pause" : "Play";
      button.toggleAttribute("data-playing", mine);
      const label = button.getAttribute("aria-label");
      if (label) button.setAttribute("aria-label", label.replace(/^(Play|Pause)\b/, word));
      if (button.title) button.title = word;
      const use = button.querySelector("use");
      use?.setAttribute("href", use.getAttribute("href").replace(/#.*$/, `#${word.toLowerCase()}`));
    }
    for (const button of document.querySelectorAll("[data-play-all], [data-enqueue], [data-hear-both]")) button.hidden = false;
  };

  const show = () => {
    const total = length();
    const time = position();
    const share = total ? Math.min(1, time / total) : 0;
    wave.mark(current()?.moment, total);
    if (document.activeElement !== seek || !seek.matches(":active")) seek.value = share;
    seek.setAttribute("aria-valuetext", `${clock(time)} of ${clock(total)}`);
    one("now").textContent = clock(time);
    one("length").textContent = total ? clock(total) : "";
    wave.at(share);
    setPosition(time, total);
    document.dispatchEvent(new CustomEvent("songrec:time", { detail: { share } }));
  };

  const save = () => {
    saved = Date.now();
    memory.save(bar.hidden ? null : {
      songs: queue.songs, at: queue.at, shuffled: queue.shuffled, more, time: position(), playing: isPlaying(),
    });
  };
  const saveSettings = () => memory.saveSettings({
    volume: deck.volume, muted: deck.muted, repeat: queue.repeat,
  });

  // Opens the sound of the current song where it is not open yet.
  const wake = () => {
    if (resumeAt === null) return;
    const time = resumeAt;
    resumeAt = null;
    deck.open(current(), time);
  };

  const start = async () => {
    if (bar.hidden) return;
    wake();
    try {
      await deck.audio.play();
    } catch (error) {
      // A browser may refuse to go on by itself after a page was loaded anew.
      if (error.name === "NotAllowedError") announce("Press play to continue.");
    }
  };
  const pause = () => deck.audio.pause();

  const steps = () => {
    one("previous").disabled = queue.songs.length <= 1;
    one("next").disabled = queue.following({ more }) < 0 && !more;
  };

  const showSong = (song) => {
    one("title").textContent = song.title;
    one("title").href = song.address || "#";
    one("artists").textContent = song.artists;
    const cover = one("cover");
    cover.hidden = true;
    cover.removeAttribute("src");
    cover.onload = () => { cover.hidden = false; };
    if (song.picture) cover.src = song.picture;
    steps();
    const why = one("why");
    why.hidden = !song.why;
    why.textContent = song.why || "";
    showReaction(song);
    setMetadata(song, song.artwork ? [{ src: song.artwork }] : []);
  };

  // Songs of the catalogue can be liked; an uploaded song that is only tried out cannot.
  const showReaction = (song) => {
    const form = one("reaction");
    form.hidden = !song.reaction_address;
    if (form.hidden) return;
    form.setAttribute("action", song.reaction_address);
    for (const button of form.querySelectorAll("button[name=value]")) {
      const name = button.dataset.name;
      const pressed = song.reaction === name;
      button.setAttribute("aria-pressed", String(pressed));
      button.value = pressed ? "none" : name;
      button.setAttribute("aria-label", `${button.title.replace(/ \(.*/, "")}: ${song.title}`);
    }
  };

  // A cover in the file is read together with the waveform, so it is requested once that is there.
  const showCover = (song) => {
    if (song.picture || !song.cover || song !== current()) return;
    one("cover").src = song.cover;
    setMetadata(song, [{ src: song.cover }]);
  };

  const load = (index, { play = true, time = 0, joins = false } = {}) => {
    clearTimeout(joining);
    queue.jump(index);
    const song = current();
    bar.hidden = false;
    sought = null;
    history.begin();
    if (play) {
      resumeAt = null;
      deck.open(song, time, { joins });
      start();
    } else {
      deck.close();
      resumeAt = time || 0;
    }
    showSong(song);
    wave.load(song.waveform, () => showCover(song));
    show();
    mark();
    save();
    changed();
    if (queue.at >= queue.songs.length - AHEAD) extend();
  };

  // After the queue was changed: what was prepared may no longer be what follows.
  const reordered = () => {
    deck.forget();
    steps();
    save();
    changed();
  };

  const fetched = async (address) => {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return answer.json();
  };
  const entries = (ids) => fetched(`${bar.dataset.queue}?tracks=${ids.map(encodeURIComponent).join(",")}`);

  // A station's queue loads more before it ends; what was played does not come again.
  const extend = () => {
    if (!more || loading) return loading;
    loading = (async () => {
      try {
        // A part may hold only songs that were played or that are not to be heard.
        for (let tries = 0, begun = queue.songs.length; more && tries < 5 && queue.songs.length === begun; tries += 1) {
          const part = await fetched(more);
          queue.append(part.songs);
          more = part.more;
        }
      } catch {
        announce("The radio cannot continue right now.");
      }
      loading = null;
      steps();
      save();
      changed();
    })();
    return loading;
  };

  const toggle = () => (deck.audio.paused ? start() : pause());
  const next = async ({ ended = false } = {}) => {
    if (queue.at >= queue.songs.length - 1 && more) await extend();
    const index = queue.following({ ended, more });
    if (index >= 0) load(index);
    else save();
  };
  const skip = () => {
    if (queue.following({ more }) < 0 && !more) return;
    history.skipped(current(), deck, length());
    next();
  };
  const previous = () => {
    // As on any player: first to the beginning, then to the song before.
    if (position() > 3 || (queue.at === 0 && queue.repeat === "off")) goTo(0);
    else load(queue.at ? queue.at - 1 : queue.songs.length - 1);
  };
  const later = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
  // Says whether a song is converted, and has it converted to its end.
  const conversionOf = async (song) => {
    const answer = await fetch(deck.source(song), { method: "HEAD", credentials: "same-origin" }).catch(() => null);
    if (!deck.isDirect(song) && answer?.headers.get("Accept-Ranges") === "bytes") song.is_converted = true;
    return answer;
  };
  const goTo = (time) => {
    const target = Math.max(0, Math.min(length() || time, time));
    if (resumeAt !== null) {
      resumeAt = target;
      show();
      return;
    }
    if (deck.canSeek(current(), target)) {
      sought = null;
      deck.seek(target);
    } else reopen(target);
  };
  // A place that has not arrived yet: of the converted song, else of a conversion that begins there.
  const reopen = async (time) => {
    if (sought) {
      sought.time = time;
      show();
      return;
    }
    const song = current();
    const mine = { song, time };
    sought = mine;
    show();
    for (let last = null; last !== mine.time;) { // the slider may still move
      last = mine.time;
      await later(SETTLE_MS);
    }
    await conversionOf(song);
    if (sought !== mine) return;
    sought = null;
    const playing = isPlaying();
    deck.open(song, mine.time);
    if (playing) start();
    show();
  };

  const close = () => {
    deck.close();
    bar.hidden = true;
    queue.replace([]);
    more = null;
    resumeAt = null;
    sought = null;
    save();
    mark();
    changed();
  };

  const playSongs = (songs, index = 0, { rest = null, moment = null, time = 0, address = null } = {}) => {
    source = address;
    queue.replace(moment ? songs.map((song, i) => (i === index ? { ...song, moment } : song)) : songs, index);
    more = rest;
    failures = 0;
    load(queue.at, { time: moment?.from || time });
  };

  // The reason that a list of recommendations gives for a song stays with the song in the queue. Beside the songs
  // that are similar to another, it says how, and not why somebody hears it.
  const withReasons = (songs, place) => songs.map((song) => {
    const item = place.querySelector(`[data-play="${CSS.escape(song.id)}"]`)?.closest("li:not(.similar li)");
    const why = song.why || item?.querySelector(".reason")?.textContent.trim();
    return why ? { ...song, why } : song;
  });
  const placeOf = (button) => button.closest("ol, ul, table, main") || document;

  const playList = async (address, { id, place, moment = null }) => {
    try {
      const answer = await fetched(address);
      let songs = answer.songs || answer;
      let rest = answer.more || null;
      for (let tries = 0; !songs.length && rest && tries < 5; tries += 1) {
        const further = await fetched(rest);
        songs = further.songs;
        rest = further.more;
      }
      const index = id ? songs.findIndex((song) => song.id === id) : 0;
      if (!songs.length || index < 0) throw new Error("nothing to hear");
      await loading;
      playSongs(withReasons(songs, place), index, { rest, moment, address });
    } catch {
      announce("This cannot be played right now.");
    }
  };

  const enqueue = async (id) => {
    try {
      const [song] = await entries([id]);
      if (!song) throw new Error("nothing to hear");
      if (bar.hidden) {
        playSongs([song]);
        return;
      }
      if (song.id === current().id) announce(`${song.title} is playing.`);
      else {
        queue.playNext(song);
        reordered();
        announce(`${song.title} plays next.`);
      }
    } catch {
      announce("This cannot be played right now.");
    }
  };

  // The queue of a button in a list is that list: what stands on the page, in its order.
  const around = (button, id = button.dataset.play) => {
    const list = button.closest("[data-queue-of]");
    if (list) return `${list.dataset.queueOf}?around=${encodeURIComponent(id)}`;
    const ids = [...new Set([...placeOf(button).querySelectorAll("[data-play]")].map((b) => b.dataset.play))];
    if (!ids.includes(id)) ids.unshift(id);
    const from = Math.max(0, ids.indexOf(id) - 50);
    return `${bar.dataset.queue}?tracks=${ids.slice(from, from + 200).join(",")}`;
  };

  // A moment of a song: from there on, also where the song plays already.
  const playMoment = (link) => {
    const { moment: id, from, for: lasts } = link.dataset;
    const moment = { from: Number(from), lasts: Number(lasts) };
    if (bar.hidden || id !== current()?.id) return playList(around(link, id), { id, moment, place: placeOf(link) });
    current().moment = moment;
    goTo(moment.from);
    return start();
  };

  // Before browse.js, for which a link that plays is a link.
  document.addEventListener("click", (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return undefined;
    const button = event.target.closest("[data-play], [data-play-all], [data-play-song], [data-moment], [data-enqueue]");
    if (!button) return undefined;
    event.preventDefault();
    if (button.dataset.moment) playMoment(button);
    else if (button.dataset.enqueue) enqueue(button.dataset.enqueue);
    else if (button.dataset.playAll) {
      // A button without words has become one that pauses.
      if (button.hasAttribute("data-playing")) toggle();
      else playList(button.dataset.playAll, { place: placeOf(button) });
    }
    else if (!bar.hidden && button.dataset.play === current()?.id) toggle();
    else if (button.dataset.playSong) {
      const song = JSON.parse(button.dataset.playSong);
      if (!bar.hidden && song.id === current()?.id) return toggle();
      playSongs([song]);
    } else playList(around(button), { id: button.dataset.play, place: placeOf(button) });
    return undefined;
  }, { capture: true });

  // Scripts play songs so; with `seconds` hear-both.js plays a part of one and stops.
  document.addEventListener("songrec:play", async ({ detail: { tracks = [], from = 0, seconds } }) => {
    if (seconds || !tracks.length) return;
    try {
      const songs = await entries(tracks.slice(0, 200));
      if (!songs.length) throw new Error("nothing to hear");
      playSongs(songs, 0, { time: songs[0].id === tracks[0] ? from : 0 });
    } catch {
      announce("This cannot be played right now.");
    }
  });

  one("toggle").addEventListener("click", toggle);
  one("next").addEventListener("click", skip);
  one("previous").addEventListener("click", previous);
  one("close").addEventListener("click", close);
  one("mute").addEventListener("click", () => { deck.muted = !deck.muted; });
  one("volume").addEventListener("input", (event) => {
    deck.volume = Number(event.target.value);
    deck.muted = false;
    saveSettings();
  });
  seek.addEventListener("input", () => goTo(Number(seek.value) * length()));

  const showModes = () => {
    one("shuffle").setAttribute("aria-pressed", String(queue.shuffled));
    const repeat = one("repeat");
    const words = { off: "Repeat: off", all: "Repeat: all songs", one: "Repeat: this song" };
    repeat.setAttribute("aria-label", words[queue.repeat]);
    repeat.title = words[queue.repeat];
    repeat.dataset.state = queue.repeat;
    when(repeat, queue.repeat === "one" ? "one" : "all");
    steps();
  };
  const shuffle = () => {
    queue.shuffle(!queue.shuffled);
    announce(queue.shuffled ? "The queue is shuffled." : "The queue is in its own order.");
    showModes();
    reordered();
  };
  one("shuffle").addEventListener("click", shuffle);
  one("repeat").addEventListener("click", () => {
    queue.repeat = queue.nextRepeat();
    showModes();
    announce(`${one("repeat").title}.`);
    deck.forget();
    saveSettings();
  });

  // Whoever dislikes what plays has heard enough of it.
  let dislikes = null;
  one("reaction").addEventListener("submit", (event) => {
    dislikes = event.submitter?.value === "dislike" ? event.target.getAttribute("action") : null;
  }, true);
  document.addEventListener("reaction", ({ detail: { action, value } }) => {
    for (const song of queue.songs) if (song.reaction_address === action) song.reaction = value;
    save();
    if (value === "dislike" && action === dislikes && action === current()?.reaction_address) next();
    dislikes = null;
  });

  const others = "BroadcastChannel" in window ? new BroadcastChannel("songrec-player") : null;
  if (others) others.onmessage = pause;

  for (const kind of ["play", "pause"]) {
    deck.on(kind, () => {
      const { paused, ended } = deck.audio;
      if (ended && queue.following({ ended, more }) >= 0) return; // the next song begins at once
      if (!paused) others?.postMessage("play");
      when(one("toggle"), paused ? "paused" : "playing");
      one("toggle").setAttribute("aria-label", paused ? "Play" : "Pause");
      mark();
      save();
      changed();
    });
  }
  const showVolume = () => {
    const mute = deck.muted || deck.volume === 0;
    when(one("mute"), mute ? "mute" : "loud");
    one("mute").setAttribute("aria-pressed", String(mute));
    one("volume").value = deck.muted ? 0 : deck.volume;
  };
  deck.on("volumechange", () => {
    showVolume();
    saveSettings();
  });
  for (const kind of ["seeked", "loadedmetadata", "durationchange"]) deck.on(kind, show);
  // The next song begins as this one ends: what waits for its end is heard as a gap. Asked again
  // when it is time, as somebody may have paused, sought or changed the queue.
  const joinNext = () => {
    clearTimeout(joining);
    const index = queue.following({ ended: true, more });
    if (index < 0 || !isPlaying() || sought) return;
    const left = deck.untilNext(queue.songs[index]);
    if (left <= 0) load(index, { joins: true });
    else if (left < JOIN_S) joining = setTimeout(joinNext, 1000 * left);
  };
  deck.on("timeupdate", () => {
    show();
    history.progress(current(), deck.audio, length());
    if (Date.now() - saved > SAVE_MS) save();
    const left = length() - deck.time;
    const following = queue.following({ ended: true, more });
    if (left < PREPARE_S && left > 0 && following >= 0 && !deck.audio.paused) deck.prepare(queue.songs[following]);
    if (left < JOIN_S) joinNext();
  });
  let nextReady = null;
  deck.on("playing", () => {
    failures = 0;
    // What has to be cut, converted or drawn first is made ready while this song plays.
    const ahead = queue.songs[queue.following({ ended: true, more })];
    if (ahead && (ahead.is_part || !deck.isDirect(ahead))) conversionOf(ahead);
    if (ahead?.waveform && ahead !== nextReady) fetch(ahead.waveform, { credentials: "same-origin" }).catch(() => {});
    nextReady = ahead;
  });
  deck.on("ended", () => next({ ended: true }));
  // As many songs are converted as may be at once: this one has its turn within seconds.
  let waited = null;
  const waitForTurn = async (song) => {
    if (deck.isDirect(song) || waited === song) return false;
    waited = song;
    for (let tries = 0; tries < 20 && song === current(); tries += 1) {
      const answer = await conversionOf(song);
      // What could not begin at a place is there once the whole song is.
      const waits = answer?.status === 503 || (answer?.ok && deck.offset && !song.is_converted);
      if (!waits) return Boolean(answer?.ok) && song === current();
      await later(3000);
    }
    return false;
  };
  deck.on("error", async () => {
    const song = current();
    if (!deck.audio.getAttribute("src") || !song) return;
    // The browser cannot decode it after all: another format can be had.
    if (song.transcoded && deck.isDirect(song) && deck.audio.error?.code >= 3) {
      song.unplayable = true;
      deck.open(song, deck.time || deck.begun);
      start();
      return;
    }
    if (await waitForTurn(song)) {
      deck.open(song, deck.begun);
      start();
      return;
    }
    if (song !== current()) return;
    announce(`${song.title} cannot be played.`);
    failures += 1;
    if (failures < queue.songs.length) next();
  });

  setHandlers({
    play: start, pause, previoustrack: previous, nexttrack: skip, stop: close,
    seekto: (event) => goTo(event.seekTime),
    seekbackward: (event) => goTo(position() - (event.seekOffset || 10)),
    seekforward: (event) => goTo(position() + (event.seekOffset || 10)),
  });

  window.addEventListener("pagehide", save);
  for (const kind of ["pagechange", "songrec:view"]) document.addEventListener(kind, mark);

  window.songrecPlayer = {
    bar, queue, deck, isPlaying, start, pause, toggle, skip, previous, shuffle, entries, announce, load, reordered,
    isOpen: () => !bar.hidden,
    seekBy: (seconds) => goTo(position() + seconds),
    volumeBy: (step) => {
      deck.volume = Math.max(0, Math.min(1, deck.volume + step));
      deck.muted = false;
    },
    mute: () => { deck.muted = !deck.muted; },
    wasPlayed: () => resumeAt === null,
    like: () => one("reaction").hidden || one("reaction").querySelector("[data-name=like]").click(),
    share: () => (length() ? position() / length() : 0),
    seekTo: (share) => goTo(share * length()),
  };

  const settings = memory.settings();
  deck.volume = settings.volume ?? 1;
  deck.muted = Boolean(settings.muted);
  queue.repeat = settings.repeat;
  const state = memory.load();
  if (state) {
    queue.restore(state.songs, state.at, Boolean(state.shuffled));
    more = state.more || null;
    load(queue.at, { play: state.playing, time: state.time });
  }
  showModes();
  // Loading a sound drops the events before it, that of the volume among them.
  showVolume();
  mark();
})();
