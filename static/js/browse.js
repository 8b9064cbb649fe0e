// While something plays, links and forms change the page's content and leave the player alone.
// A page with a script that does not say that it stays is loaded as usual; the player goes on there
// from where it was. Without this script, or without music, every page is loaded as usual.
"use strict";

(() => {
  const parser = new DOMParser();
  let pending = null;

  const staysPut = (page) => [...page.querySelectorAll("script[src]")].every((s) => s.hasAttribute("data-stays"));
  // songrec was updated meanwhile: the page has other versions of scripts that run already.
  const isUpdated = (page) => {
    const running = new Map([...document.scripts].filter((s) => s.src).map((s) => new URL(s.src)).map((url) => [url.pathname, url.search]));
    return [...page.querySelectorAll("script[src]")]
      .map((script) => new URL(script.getAttribute("src"), location.href))
      .some(({ pathname, search }) => running.has(pathname) && running.get(pathname) !== search);
  };
  const same = (url) => url.origin === location.origin && ["http:", "https:"].includes(url.protocol);

  const styles = async (page) => {
    const known = new Set([...document.querySelectorAll("link[rel=stylesheet]")].map((link) => link.href));
    const waits = [];
    for (const link of page.querySelectorAll("link[rel=stylesheet]")) {
      const href = new URL(link.getAttribute("href"), location.href).href;
      if (known.has(href)) continue;
      const added = document.createElement("link");
      added.rel = "stylesheet";
      added.href = href;
      waits.push(new Promise((resolve) => { added.onload = added.onerror = resolve; }));
      document.head.append(added);
    }
    await Promise.all(waits);
  };

  const scripts = (page) => {
    const known = new Set([...document.scripts].map((script) => script.src));
    for (const script of page.querySelectorAll("script[src]")) {
      const src = new URL(script.getAttribute("src"), location.href).href;
      if (known.has(src)) continue;
      const added = document.createElement("script");
      // In their order, as one may need another.
      Object.assign(added, { src, type: script.type, async: false });
      added.setAttribute("data-stays", "");
      document.body.append(added);
    }
  };

  const swap = (page) => {
    for (const part of ["main", ".site-nav", ".site-footer"]) {
      const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
      if (old && fresh) old.replaceWith(document.adoptNode(fresh));
    }
    // Some pages are wider.
    const wide = page.querySelector(".site-header > .wrap");
    if (wide) document.querySelector(".site-header > .wrap").className = wide.className;
    const counts = page.querySelector("[data-like-count]")?.textContent;
    for (const counter of document.querySelectorAll("[data-like-count]")) counter.textContent = counts ?? "";
    // The links beside the navigation stay, with a menu that may be open: only their marks are others.
    const marks = new Map([...page.querySelectorAll(".site-tools a")].map((link) => [link.getAttribute("href"), link.getAttribute("aria-current")]));
    for (const link of document.querySelectorAll(".site-tools a")) {
      const current = marks.get(link.getAttribute("href"));
      if (current) link.setAttribute("aria-current", current);
      else link.removeAttribute("aria-current");
    }
    const signIn = page.querySelector("[data-sign-in]")?.getAttribute("href");
    if (signIn) document.querySelector("[data-sign-in]")?.setAttribute("href", signIn);
    document.title = page.title;
  };

  // The page of an answer, or null where it must be loaded as usual.
  const pageOf = async (answer) => {
    const kind = answer.headers.get("Content-Type") || "";
    if (!kind.startsWith("text/html")) return null;
    const page = parser.parseFromString(await answer.text(), "text/html");
    return staysPut(page) && !isUpdated(page) && page.querySelector("main") ? page : null;
  };

  // `address`, if given, becomes a new entry of the history.
  const show = async (page, { signal, address = null, anchor = "", y = 0 }) => {
    await styles(page);
    if (signal.aborted) return;
    if (address) {
      history.replaceState({ ...history.state, browse: true, y: window.scrollY }, "");
      history.pushState({ browse: true, y: 0 }, "", address);
    }
    swap(page);
    scripts(page);
    const target = anchor && document.getElementById(decodeURIComponent(anchor.slice(1)));
    document.querySelector("main").focus({ preventScroll: true });
    if (target) target.scrollIntoView();
    else window.scrollTo(0, y);
    const announced = document.querySelector("[data-announce]");
    if (announced) announced.textContent = document.title;
    document.dispatchEvent(new CustomEvent("pagechange"));
  };

  const newRequest = () => {
    pending?.abort();
    pending = new AbortController();
    return pending.signal;
  };
  const asked = (signal) => ({ signal, credentials: "same-origin", headers: { Accept: "text/html" } });

  const go = async (url, { push = true, y = 0 } = {}) => {
    const signal = newRequest();
    const leave = () => (push ? location.assign(url) : location.reload());
    try {
      const answer = await fetch(url, asked(signal));
      const page = await pageOf(answer);
      if (!page) return leave();
      const address = new URL(answer.url);
      address.hash = url.hash;
      await show(page, { signal, address: push ? address : null, anchor: url.hash, y });
    } catch (error) {
      if (error.name !== "AbortError") leave();
    }
    return undefined;
  };

  const say = (text) => {
    const line = document.createElement("p");
    line.className = "notice notice-bad";
    line.setAttribute("role", "alert");
    line.textContent = text;
    const wrap = document.querySelector("main > .wrap");
    wrap.querySelector(":scope > .notice-bad[role=alert]")?.remove();
    wrap.prepend(line);
    line.scrollIntoView({ block: "center" });
  };

  // What a form changes is sent once: the page that answers is shown, wherever it leads.
  const send = async (form, submitter) => {
    const action = submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? "";
    const url = new URL(action || location.href, location.href);
    if (form.dataset.sending || !same(url)) return;
    form.dataset.sending = "1";
    const fields = new FormData(form, submitter);
    const isMultipart = form.getAttribute("enctype") === "multipart/form-data";
    const signal = newRequest();
    try {
      const body = isMultipart ? fields : new URLSearchParams(fields);
      const answer = await fetch(url, { ...asked(signal), method: "POST", body });
      const page = await pageOf(answer);
      const address = answer.redirected ? new URL(answer.url) : null;
      if (!page) {
        location.assign(address ?? location.href);
        return;
      }
      const stays = !address || (address.pathname === location.pathname && address.search === location.search);
      const y = answer.redirected && stays ? window.scrollY : 0;
      await show(page, { signal, address: stays ? null : address, y });
    } catch (error) {
      if (error.name !== "AbortError") say("songrec did not answer. Try again.");
    } finally {
      delete form.dataset.sending;
    }
  };

  const may = () => window.songrecPlayer?.isPlaying() && staysPut(document);

  window.songrecBrowse = {
    open(address) {
      if (may()) go(new URL(address, location.href));
      else location.assign(address);
    },
    // What a page shows has changed: the page again, where it stands.
    reload() {
      if (may()) go(new URL(location.href), { push: false, y: window.scrollY });
      else location.reload();
    },
  };

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a[href]");
    if (!link || link.target || link.hasAttribute("download") || !may()) return;
    const url = new URL(link.href);
    const here = url.pathname === location.pathname && url.search === location.search;
    if (!same(url) || (here && url.hash)) return;
    event.preventDefault();
    go(url);
  });

  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    // Whoever signs in or out gets a new page: its head and what may be heard are others.
    if (event.defaultPrevented || form.target || form.hasAttribute("data-reload") || !may()) return;
    const method = (form.getAttribute("method") || "get").toLowerCase();
    if (method === "post") {
      event.preventDefault();
      send(form, submitter);
      return;
    }
    const url = new URL(form.action);
    if (method !== "get" || !same(url)) return;
    event.preventDefault();
    url.search = new URLSearchParams(new FormData(form, submitter)).toString();
    go(url);
  });

  history.scrollRestoration = "auto";
  window.addEventListener("popstate", (event) => {
    if (event.state?.browse) go(new URL(location.href), { push: false, y: event.state.y || 0 });
  });
})();
