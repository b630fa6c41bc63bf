/** The page at `/docs`. All its addresses are relative, so that it works below a path. */

/** The HTML of the page. `files` is the address of the folder with the files of Swagger UI. */
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

/**
 * The script that starts Swagger UI. Requests go to the host of the page, whatever address the document
 * names.
 */
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
      // A user who is signed in to the gallery sends no token, and needs this header.
      requestInterceptor: (request) => {
        if (!request.headers.Authorization) request.headers['X-Inlet-Request'] = '1';
        return request;
      },
    });
  });
`;
