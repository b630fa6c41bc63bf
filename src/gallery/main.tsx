/** The gallery: pages for people who want to see what came in, and to look after the service. */
import { render } from 'preact';

import { App } from './app.js';
import { startRouter } from './router.js';

startRouter();
const root = document.getElementById('app');
if (root) render(<App />, root);
