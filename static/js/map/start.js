// What the map needs of the browser before it can start.

import { element } from "./dom.js";

// Plotly is large: it loads while the points do, and only on this page.
export function loaded(address) {
  return new Promise((resolve, reject) => {
    const script = element("script", { src: address, async: true });
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error("The drawing library could not be loaded. Reload the page.")));
    document.head.append(script);
  });
}

export function hasWebGL() {
  return Boolean(document.createElement("canvas").getContext("webgl"));
}
