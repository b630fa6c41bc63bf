import { startMediaHost, type MediaHost } from '../media-host.js';
import {
  createAisouleSecrets,
  simulateAisoule,
  type AisouleSecrets,
  type SimulatedAisoule,
} from './aisoule.js';
import { createBlipSecrets, simulateBlip, type BlipSecrets, type SimulatedBlip } from './blip.js';
import { startProviderApi, type ApiOptions, type ProviderApi } from './api/provider-api.js';
import { providerIds, type ProviderId, type SimulatedProvider } from './simulated-provider.js';
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

/** New random secrets. */
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

/** Five providers with an API each, and the host of their files. */
export interface Simulator {
  readonly host: MediaHost;
  readonly providers: SimulatedProviders;
  /** The settings that enable all five channels with this simulator. */
  readonly env: () => Record<string, string>;
  /** Sets the URL of the service, which then receives the statuses of its messages. */
  readonly reportTo: (serviceUrl: string) => void;
  readonly close: () => Promise<void>;
}

interface SimulatorOptions {
  readonly secrets?: SimulatorSecrets;
  readonly port?: number;
  /** The behaviour of the providers' APIs. Without a `rate`, they accept messages at any speed. */
  readonly apis?: Readonly<Partial<Record<ProviderId, ApiOptions>>>;
}

/**
 * Starts the five providers on loopback: files on one port, and a port for each API, because two of them have
 * the same paths.
 */
export async function startSimulator({
  secrets = createSecrets(),
  port = 0,
  apis: options = {},
}: SimulatorOptions = {}): Promise<Simulator> {
  const host = await startMediaHost({ port });
  const started = await Promise.all(providerIds.map((id) => startProviderApi(options[id])));
  const apis = Object.fromEntries(providerIds.map((id, index) => [id, started[index]])) as Record<
    ProviderId,
    ProviderApi
  >;
  const placeOf = (id: ProviderId) => ({ host, api: apis[id] });
  const providers: SimulatedProviders = {
    blip: simulateBlip(secrets.blip, placeOf('blip')),
    'z-api': simulateZApi(secrets['z-api'], placeOf('z-api')),
    vonage: simulateVonage(secrets.vonage, placeOf('vonage')),
    aisoule: simulateAisoule(secrets.aisoule, placeOf('aisoule')),
    sobot: simulateSobot(secrets.sobot, placeOf('sobot')),
  };
  const hosts = [host, ...started].map((place) => place.host).join(',');
  return {
    host,
    providers,
    env: () => {
      const settings = Object.values<SimulatedProvider>(providers).map((provider) => provider.env());
      // On this machine, the providers can reach the service's links, which a service cannot know from its
      // URL.
      const ours = { FETCH_ALLOW_PRIVATE_HOSTS: hosts, PUBLIC_MEDIA_LINKS: 'always' };
      return settings.reduce((all, some) => ({ ...all, ...some }), ours);
    },
    reportTo: (serviceUrl) => {
      for (const api of started) api.reportTo(serviceUrl);
    },
    close: async () => {
      await Promise.all([host, ...started].map((place) => place.close()));
    },
  };
}
