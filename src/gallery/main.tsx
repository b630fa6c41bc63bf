/** The gallery: pages that show the received files and administer the service. */
import { render } from 'preact';

import { App } from './app.js';
import { isBelowBase } from './base.js';
import { startLanguage } from './languages/text.js';
import { startRouter } from './router.js';
import { registerShareTarget } from './shared/share-target.js';

const root = document.getElementById('app');
if (root && isBelowBase()) {
  startRouter();
  registerShareTarget();
  void startLanguage().then(() => {
    render(<App />, root);
  });
}
