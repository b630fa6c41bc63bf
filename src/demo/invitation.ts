/**
 * What a newcomer needs to try the running demo: a link, addresses with their secrets, and a command to
 * paste.
 */
import { bytes } from './media-host.js';
import { photo } from './photos.js';
import type { Simulator } from './providers/index.js';

interface Service {
  readonly baseUrl: string;
  readonly token: string;
}

/** The token is behind the `#`, which a browser keeps to itself: it is in no request and in no log. */
export function signInLink({ baseUrl, token }: Service): string {
  return `${baseUrl}/admin#token=${token}`;
}

/** How the channels of the simulated providers are called. */
export function channelLines({ baseUrl }: Service, simulator: Simulator): string[] {
  const env = simulator.env();
  const address = (channel: string): string => `${baseUrl}/webhooks/${channel}`;
  const withToken = (channel: string, name: string): string => `${address(channel)}?token=${env[name] ?? ''}`;
  const signed = (channel: string, name: string): string =>
    `${address(channel)}   signed with ${env[name] ?? ''}`;
  return [
    `z-api    ${withToken('z-api', 'ZAPI_WEBHOOK_SECRET')}`,
    `blip     ${withToken('blip', 'BLIP_WEBHOOK_SECRET')}`,
    `sobot    ${withToken('sobot', 'SOBOT_WEBHOOK_SECRET')}`,
    `vonage   ${signed('vonage', 'VONAGE_SIGNATURE_SECRET')}`,
    `aisoule  ${signed('aisoule', 'AISOULE_WEBHOOK_SECRET')}`,
    `meta     ${signed('meta', 'META_APP_SECRET')}`,
    `twilio   ${signed('twilio', 'TWILIO_AUTH_TOKEN')}`,
    `telegram ${address('telegram')}   with ${env['TELEGRAM_WEBHOOK_SECRET'] ?? ''} in X-Telegram-Bot-Api-Secret-Token`,
    `custom   ${signed('custom', 'CUSTOM_WEBHOOK_SECRET')}`,
  ];
}

const placeholder = 'ID-OF-THE-MESSAGE';

/**
 * One line for bash and zsh that posts a webhook with a picture. Each time that it is pasted it is another
 * message.
 */
export async function pictureCommand({ baseUrl }: Service, simulator: Simulator): Promise<string> {
  const zApi = simulator.providers['z-api'];
  const picture = await photo({ seed: Date.now() % 1_000_000, width: 1_600, height: 1_200 });
  const { path, body } = zApi.webhook({
    kind: 'image',
    id: placeholder,
    url: zApi.publish(bytes('image/jpeg', picture)),
    caption: 'Sent with curl',
  });
  const data = body.replace(placeholder, `CURL-'"$(date +%s)"'`);
  return `curl -s '${baseUrl}${path}' -H 'content-type: application/json' -d '${data}'`;
}
