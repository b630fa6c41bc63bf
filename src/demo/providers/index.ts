import { startMediaHost, type MediaHost } from '../media-host.js';
import { startProviderApi, type ApiOptions } from './api/provider-api.js';
import {
  providerIds,
  simulators,
  type ProviderId,
  type SimulatedProviders,
  type SimulatorSecrets,
} from './registry.js';
import type { Place, SimulatedProvider } from './simulated-provider.js';

export type { SimulatorSecrets } from './registry.js';

/** New random secrets. */
export function createSecrets(): SimulatorSecrets {
  const secrets = providerIds.map((id) => [id, simulators[id].createSecrets()] as const);
  return Object.fromEntries(secrets) as unknown as SimulatorSecrets;
}

/** All providers with an API each, and the hosts of their files. */
export interface Simulator {
  readonly host: MediaHost;
  /** See {@link Place.cdn}. */
  readonly cdn: MediaHost;
  readonly providers: SimulatedProviders;
  /** The settings that enable all channels with this simulator. */
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
 * Starts the providers on loopback: files on two ports, and a port for each API, because some of them have
 * the same paths.
 */
export async function startSimulator({
  secrets = createSecrets(),
  port = 0,
  apis: options = {},
}: SimulatorOptions = {}): Promise<Simulator> {
  const [host, cdn] = await Promise.all([startMediaHost({ port }), startMediaHost()]);
  const started = await Promise.all(providerIds.map((id) => startProviderApi(options[id])));
  const service = { url: '' };
  const simulated = providerIds.flatMap((id, index) => {
    const api = started[index];
    return api
      ? [[id, simulate(id, secrets, { host, cdn, api, serviceUrl: () => service.url })] as const]
      : [];
  });
  const providers = Object.fromEntries(simulated) as unknown as SimulatedProviders;
  const hosts = [host, cdn, ...started].map((place) => place.host).join(',');
  return {
    host,
    cdn,
    providers,
    env: () => {
      const settings = Object.values<SimulatedProvider>(providers).map((provider) => provider.env());
      // On this machine, the providers can reach the service's links, which a service cannot know from its
      // URL.
      const ours = { FETCH_ALLOW_PRIVATE_HOSTS: hosts, PUBLIC_MEDIA_LINKS: 'always' };
      return settings.reduce((all, some) => ({ ...all, ...some }), ours);
    },
    reportTo: (serviceUrl) => {
      service.url = serviceUrl;
      for (const api of started) api.reportTo(serviceUrl);
    },
    close: async () => {
      await Promise.all([host, cdn, ...started].map((place) => place.close()));
    },
  };
}

/**
 * The types of a simulator and its secrets belong together, which the compiler cannot follow for any
 * provider.
 */
function simulate(id: ProviderId, secrets: SimulatorSecrets, place: Place): SimulatedProvider {
  const start = simulators[id].simulate as (own: unknown, at: Place) => SimulatedProvider;
  return start(secrets[id], place);
}
