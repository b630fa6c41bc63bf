import { startMediaHost, type MediaHost } from '../media-host.js';
import {
  createAisouleSecrets,
  simulateAisoule,
  type AisouleSecrets,
  type SimulatedAisoule,
} from './aisoule.js';
import { createBlipSecrets, simulateBlip, type BlipSecrets, type SimulatedBlip } from './blip.js';
import type { ProviderId, SimulatedProvider } from './simulated-provider.js';
import { createSobotSecrets, simulateSobot, type SobotSecrets } from './sobot.js';
import { createVonageSecrets, simulateVonage, type SimulatedVonage, type VonageSecrets } from './vonage.js';
import { createZApiSecrets, simulateZApi, type ZApiSecrets } from './z-api.js';

/** All secrets of all providers. Plain text, so that two processes can share them. */
export interface SimulatorSecrets {
  readonly blip: BlipSecrets;
  readonly 'z-api': ZApiSecrets;
  readonly vonage: VonageSecrets;
  readonly aisoule: AisouleSecrets;
  readonly sobot: SobotSecrets;
}

/** Fresh random secrets. */
export function createSecrets(): SimulatorSecrets {
  return {
    blip: createBlipSecrets(),
    'z-api': createZApiSecrets(),
    vonage: createVonageSecrets(),
    aisoule: createAisouleSecrets(),
    sobot: createSobotSecrets(),
  };
}

/** A type and not an interface, so that its values can be listed. */
type SimulatedProviders = Readonly<Record<ProviderId, SimulatedProvider>> & {
  readonly blip: SimulatedBlip;
  readonly vonage: SimulatedVonage;
  readonly aisoule: SimulatedAisoule;
};

/** Five providers, and the host on which they keep files and answer calls to their APIs. */
export interface Simulator {
  readonly host: MediaHost;
  readonly providers: SimulatedProviders;
  /** The settings that enable all five channels against this simulator. */
  readonly env: () => Record<string, string>;
  readonly close: () => Promise<void>;
}

/** Starts the five providers on one port of the loopback interface. */
export async function startSimulator({
  secrets = createSecrets(),
  port = 0,
}: { readonly secrets?: SimulatorSecrets; readonly port?: number } = {}): Promise<Simulator> {
  const host = await startMediaHost({ port });
  const providers: SimulatedProviders = {
    blip: simulateBlip(secrets.blip, host),
    'z-api': simulateZApi(secrets['z-api'], host),
    vonage: simulateVonage(secrets.vonage, host),
    aisoule: simulateAisoule(secrets.aisoule, host),
    sobot: simulateSobot(secrets.sobot, host),
  };
  return {
    host,
    providers,
    env: () => {
      const settings = Object.values<SimulatedProvider>(providers).map((provider) => provider.env());
      return settings.reduce((all, some) => ({ ...all, ...some }), { FETCH_ALLOW_PRIVATE_HOSTS: host.host });
    },
    close: host.close,
  };
}
