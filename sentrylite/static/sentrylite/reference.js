// The reference of the API: Swagger UI on this server's own document.
"use strict";

const page = document.getElementById("reference");

window.ui = SwaggerUIBundle({
  url: page.dataset.document,
  domNode: page,
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  persistAuthorization: false,
  requestSnippetsEnabled: true,
  validatorUrl: null,
  // A session's cookie would let what is tried out change things without a token, and fail for
  // want of a CSRF token.
  requestInterceptor: (request) => ({ ...request, credentials: "omit" }),
});
