// Draws the description with Swagger UI, which the server has installed: nothing is fetched from elsewhere.
"use strict";

(() => {
  const draw = () => {
    const place = document.querySelector("[data-api-docs]");
    if (!place || place.childElementCount || !window.SwaggerUIBundle) return;
    window.SwaggerUIBundle({
      url: place.dataset.apiDocs,
      domNode: place,
      deepLinking: true,
      docExpansion: "list",
      defaultModelsExpandDepth: -1,
      validatorUrl: null,
      // "Try it out" without a token acts as the signed-in user, so the request carries the CSRF token.
      requestInterceptor: (request) => {
        if (!["GET", "HEAD"].includes((request.method || "GET").toUpperCase())) {
          request.headers["X-CSRFToken"] = place.dataset.csrf;
        }
        return request;
      },
      onComplete: () => {
        place.querySelector("#servers")?.setAttribute("aria-label", "Server");
        place.dataset.ready = "true";
      },
    });
  };

  draw();
  document.addEventListener("pagechange", draw);
})();
