/** The gallery: pages that show the received files and administer the service. */
import { render } from 'preact';

import { App } from './app.js';
import { isBelowBase } from './base.js';
import { startRouter } from './router.js';

const root = document.getElementById('app');
if (root && isBelowBase()) {
  startRouter();
  render(<App />, root);
}
