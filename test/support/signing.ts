/** Configures and proves the webhooks of each provider, as the provider does. */
import { samples } from '../samples/index.js';
import { secrets, type ProviderSample, type Proof, type Settings } from '../samples/sample.js';

export { secrets, type Proof } from '../samples/sample.js';

interface ProofOptions {
  /** The secret; by default the first of {@link secrets}. */
  readonly secret?: string;
  /** The time of the signature, which only Vonage uses; by default now. */
  readonly at?: Date;
  /** The address of the webhook, which only Twilio signs. */
  readonly url?: string;
}

/** The address of a channel's webhooks where no service listens. */
export const webhookUrlOf = (channel: string): string => `https://inlet.example.com/webhooks/${channel}`;

/** The settings that enable every provider, under the names of the provider's own file. */
export const settings = settingsOf((sample) => sample.settings);

/** The settings with which every provider can send. */
export const credentials = settingsOf((sample) => ({ ...sample.settings, ...sample.credentials }));

function settingsOf(of: (sample: ProviderSample) => Settings): Readonly<Record<string, Settings>> {
  return Object.fromEntries(Object.entries(samples).map(([id, sample]) => [id, of(sample)]));
}

export function sampleOf(providerId: string): ProviderSample {
  const found = Object.entries(samples).find(([id]) => id === providerId);
  if (!found) throw new Error(`there is no sample of ${providerId}`);
  return found[1];
}

export function signWebhook(providerId: string, rawBody: Uint8Array, options: ProofOptions = {}): Proof {
  const { secret = secrets[0], at = new Date(), url = webhookUrlOf(providerId) } = options;
  return sampleOf(providerId).sign({ rawBody, secret, at, url });
}
