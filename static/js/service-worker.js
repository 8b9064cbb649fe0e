// Keeps styles, scripts and typefaces of all pages, and the page that says that the server cannot be
// reached. Pages, sound and covers are never kept. The server puts SHELL, OFFLINE and CACHE before this.
"use strict";

const OURS = CACHE.slice(0, CACHE.lastIndexOf(" ") + 1);
const addresses = new Set(SHELL.map((address) => new URL(address, location).href));

const install = async () => {
  const cache = await caches.open(CACHE);
  // Asked for again: the browser's own cache may have another version of the same address.
  const add = (address) => cache.add(new Request(address, { cache: "no-cache" }));
  await add(OFFLINE);
  // What cannot be had now is fetched when a page needs it.
  await Promise.allSettled(SHELL.map(add));
  await self.skipWaiting();
};

const activate = async () => {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(OURS) && name !== CACHE).map((name) => caches.delete(name)));
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
};

const page = async ({ request, preloadResponse }) => {
  try {
    return (await preloadResponse) || (await fetch(request));
  } catch {
    return (await caches.match(OFFLINE)) || Response.error();
  }
};

const part = async (request) => (await caches.match(request)) || fetch(request);

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(page(event));
  else if (addresses.has(request.url)) event.respondWith(part(request));
});
