/**
 * Runs before the first paint: the page does not flash in the other theme, and the texts of its language are
 * on their way while the main script still loads.
 */
import { catalogueAddress } from './languages/catalogue.js';
import { storedLanguage } from './languages/stored-language.js';
import { applyTheme, storedTheme } from './theme.js';

applyTheme(storedTheme());

const language = storedLanguage();
document.documentElement.lang = language;
const address = catalogueAddress('messages', language);
if (address !== undefined) {
  const link = document.createElement('link');
  Object.assign(link, { rel: 'preload', as: 'fetch', crossOrigin: 'anonymous', href: address });
  document.head.append(link);
}
