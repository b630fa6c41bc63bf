/** One line per provider. A provider exists when it is listed here. */
export { aisoule } from './aisoule.js';
export { blip } from './blip.js';
export { sobot } from './sobot.js';
export { vonage } from './vonage.js';
export { zApi } from './z-api.js';
