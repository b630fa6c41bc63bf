/** One line per provider. A provider without a simulator does not compile. */
import type * as registered from '../../providers/registry.js';
import { createAisouleSecrets, simulateAisoule } from './aisoule.js';
import { createBlipSecrets, simulateBlip } from './blip.js';
import { createCustomSecrets, simulateCustom } from './custom.js';
import { createMetaSecrets, simulateMeta } from './meta.js';
import type { Place, SimulatedProvider } from './simulated-provider.js';
import { createSobotSecrets, simulateSobot } from './sobot.js';
import { createTwilioSecrets, simulateTwilio } from './twilio.js';
import { createTelegramSecrets, simulateTelegram } from './telegram.js';
import { createVonageSecrets, simulateVonage } from './vonage.js';
import { createZApiSecrets, simulateZApi } from './z-api.js';

export type ProviderId = (typeof registered)[keyof typeof registered]['id'];

interface ProviderSimulator {
  /** New random secrets. Plain text, so that two processes can share them. */
  readonly createSecrets: () => object;
  /** Each simulator accepts its own secrets only, which `never` stands for. */
  readonly simulate: (secrets: never, place: Place) => SimulatedProvider;
}

export const simulators = {
  blip: { createSecrets: createBlipSecrets, simulate: simulateBlip },
  'z-api': { createSecrets: createZApiSecrets, simulate: simulateZApi },
  vonage: { createSecrets: createVonageSecrets, simulate: simulateVonage },
  aisoule: { createSecrets: createAisouleSecrets, simulate: simulateAisoule },
  sobot: { createSecrets: createSobotSecrets, simulate: simulateSobot },
  meta: { createSecrets: createMetaSecrets, simulate: simulateMeta },
  twilio: { createSecrets: createTwilioSecrets, simulate: simulateTwilio },
  telegram: { createSecrets: createTelegramSecrets, simulate: simulateTelegram },
  custom: { createSecrets: createCustomSecrets, simulate: simulateCustom },
} as const satisfies Readonly<Record<ProviderId, ProviderSimulator>>;

type Simulators = typeof simulators;

/** All secrets of all providers. */
export type SimulatorSecrets = {
  readonly [Id in ProviderId]: ReturnType<Simulators[Id]['createSecrets']>;
};

/** All providers, each with what only it can do. */
export type SimulatedProviders = { readonly [Id in ProviderId]: ReturnType<Simulators[Id]['simulate']> };

export const providerIds = Object.keys(simulators) as ProviderId[];
