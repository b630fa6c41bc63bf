/** One line per provider. A provider exists if it is listed here. */
export { aisoule } from './aisoule/index.js';
export { blip } from './blip/index.js';
export { sobot } from './sobot.js';
export { vonage } from './vonage/index.js';
export { zApi } from './z-api/index.js';
