// Lets the browser keep what all pages share. Without HTTPS (except on this machine) browsers do not.
"use strict";

navigator.serviceWorker?.register(`${document.documentElement.dataset.root.replace(/\/$/, "")}/service-worker.js`).catch(() => {
  // Kept or not, the pages are the same: a browser may refuse.
});
