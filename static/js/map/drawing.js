// The document that the map is drawn in: a frame with Plotly, which is large. It compiles what it
// draws, which the policy of the pages themselves forbids; and what it holds goes with the frame.

import { element } from "./dom.js";

// Resolves to the frame's element to draw in and its Plotly.
export function framed(place, address) {
  return new Promise((resolve, reject) => {
    const frame = element("iframe", { src: address, title: "Drawing", tabindex: -1, "aria-hidden": "true" });
    frame.addEventListener("load", () => {
      const { Plotly: plotly, document: inside } = frame.contentWindow;
      const drawing = inside?.querySelector("[data-drawing]");
      if (plotly && drawing) resolve({ drawing, plotly });
      else reject(new Error("The drawing library could not be loaded."));
    });
    place.replaceChildren(frame);
  });
}
