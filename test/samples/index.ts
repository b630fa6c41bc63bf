/** One line per provider. */
import type { ProviderId } from '../../src/demo/providers/registry.js';
import type { ProviderSample } from './sample.js';
import { aisoule } from './aisoule.js';
import { blip } from './blip.js';
import { custom } from './custom.js';
import { meta } from './meta.js';
import { sobot } from './sobot.js';
import { twilio } from './twilio.js';
import { telegram } from './telegram.js';
import { vonage } from './vonage.js';
import { zApi } from './z-api.js';

export const samples: Readonly<Record<ProviderId, ProviderSample>> = {
  aisoule,
  blip,
  meta,
  sobot,
  twilio,
  telegram,
  vonage,
  'z-api': zApi,
  custom,
};
