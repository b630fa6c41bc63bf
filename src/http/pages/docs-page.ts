/** The page at `/docs`. Its addresses are relative to its own. */

/** `files` is the folder of Swagger UI's own files. */
export function docsPage(files: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Inlet API</title>
    <link rel="icon" type="image/png" href="${files}/favicon-32x32.png" />
    <link rel="stylesheet" href="${files}/swagger-ui.css" />
  </head>
  <body>
    <main id="docs"></main>
    <script src="${files}/swagger-ui-bundle.js"></script>
    <script src="docs/docs.js"></script>
  </body>
</html>
`;
}

/** Starts Swagger UI. Operations are tried out where the page was opened, whatever address the document names. */
export const docsScript = `fetch('openapi.json')
  .then((response) => response.json())
  .then((spec) => {
    SwaggerUIBundle({
      spec: { ...spec, servers: [{ url: new URL('.', location.href).href.replace(/\\/$/, '') }] },
      domNode: document.getElementById('docs'),
      deepLinking: true,
      docExpansion: 'list',
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      tryItOutEnabled: true,
      validatorUrl: null,
      // For those who are signed in to the gallery and send no token.
      requestInterceptor: (request) => {
        if (!request.headers.Authorization) request.headers['X-Inlet-Request'] = '1';
        return request;
      },
    });
  });
`;
