/** One line per provider. A provider exists if it is listed here. */
export { aisoule } from './aisoule/index.js';
export { blip } from './blip/index.js';
export { custom } from './custom/index.js';
export { meta } from './meta/index.js';
export { sobot } from './sobot.js';
export { twilio } from './twilio/index.js';
export { telegram } from './telegram/index.js';
export { vonage } from './vonage/index.js';
export { zApi } from './z-api/index.js';
