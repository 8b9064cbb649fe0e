// Loads Plotly, which is large: while the points load, and only on the map's page.

import { element } from "./dom.js";

export function loaded(address) {
  return new Promise((resolve, reject) => {
    const script = element("script", { src: address, async: true });
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => reject(new Error("The drawing library could not be loaded.")));
    document.head.append(script);
  });
}
