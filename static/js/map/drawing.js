// The document that the map is drawn in: a frame with Plotly, which is large. It compiles what it
// draws, which the policy of the pages themselves forbids; and what it holds goes with the frame.

import { element } from "./dom.js";

// Resolves to the frame's element to draw in and its Plotly.
export function framed(place, address) {
  return new Promise((resolve, reject) => {
    const frame = element("iframe", { src: address, title: "Drawing", tabindex: -1, "aria-hidden": "true" });
    frame.addEventListener("load", () => {
      // None where the browser shows an error of its own instead.
      const inside = frame.contentDocument;
      const drawing = inside?.querySelector("[data-drawing]");
      const plotly = inside?.defaultView?.Plotly;
      if (plotly && drawing) resolve({ drawing, plotly });
      else reject(new Error("The drawing library could not be loaded."));
    });
    place.replaceChildren(frame);
  });
}
