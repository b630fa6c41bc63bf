/** Two weeks of a small business: what its customers sent, for the screenshot of the gallery. */
import { pdf, video, voiceNote } from './attachments.js';
import { bytes } from './media-host.js';
import { photo, sticker } from './photos.js';
import type { Simulator } from './providers/index.js';
import { providerIds } from './providers/registry.js';
import type { SimulatedMedia, Webhook } from './providers/simulated-provider.js';

const people = [
  { name: 'Ana Souza', from: '5511999990001' },
  { name: 'Bruno Lima', from: '5511999990002' },
  { name: 'Carla Nunes', from: '5511999990003' },
  { name: 'Davi Rocha', from: '5511999990004' },
  { name: 'Elisa Prado', from: '5511999990005' },
  { name: 'Fábio Melo', from: '5511999990006' },
] as const;

const captions = [
  'Is this the right place for the sign?',
  'View from the terrace this morning',
  null,
  'Delivered, all boxes intact',
  'The site before we begin',
  null,
  'Could you quote this?',
  'Good evening from the coast',
  null,
  'For the catalogue',
] as const;

/** The formats of phones: portrait, landscape, square and wide. */
const shapes = [
  { width: 1200, height: 900 },
  { width: 1200, height: 900 },
  { width: 900, height: 1200 },
  { width: 1200, height: 675 },
  { width: 1000, height: 1000 },
  { width: 1200, height: 800 },
  { width: 900, height: 1200 },
] as const;

/** Makes this many photos and other attachments between them, oldest first. */
export async function album(simulator: Simulator, photos: number): Promise<Webhook[]> {
  const { 'z-api': zApi, aisoule } = simulator.providers;
  const webhooks: Webhook[] = [];
  for (let index = 0; index < photos; index += 1) {
    webhooks.push(await sentPhoto(simulator, index));
    if (index % 11 === 3) webhooks.push(zApi.webhook(voice(simulator, index)));
    if (index % 13 === 5) {
      const url = aisoule.publish(bytes('application/pdf', pdf(`Quote ${String(2026_000 + index)}`)));
      webhooks.push(
        aisoule.webhook({ kind: 'document', url, filename: 'Quote 2026.pdf', ...personAt(index) }),
      );
    }
    if (index % 17 === 8) {
      const url = zApi.publish(bytes('image/webp', await sticker(index)));
      webhooks.push(zApi.webhook({ kind: 'sticker', url, ...personAt(index + 2) }));
    }
    if (index % 19 === 9) {
      const url = zApi.publish(bytes('video/mp4', video({ seed: index })));
      webhooks.push(
        zApi.webhook({ kind: 'video', url, caption: 'A walk around the place', ...personAt(index) }),
      );
    }
  }
  // Not the newest, because the first visible items should be pictures.
  webhooks.splice(Math.floor(webhooks.length * 0.6), 0, ...troubles(simulator));
  return webhooks;
}

const personAt = (index: number) => people[index % people.length] ?? people[0];

async function sentPhoto({ providers }: Simulator, index: number): Promise<Webhook> {
  const shape = shapes[index % shapes.length] ?? shapes[0];
  const file = await photo({ seed: 100 + index * 7, ...shape, quality: 80 });
  const provider = providers[providerIds[(index * 3) % providerIds.length] ?? 'z-api'];
  const caption = captions[index % captions.length];
  return provider.webhook({
    kind: 'image',
    url: provider.publish(bytes('image/jpeg', file)),
    ...personAt(index * 5 + (index % 4)),
    ...(caption !== null && caption !== undefined && { caption }),
  });
}

function voice({ providers }: Simulator, index: number): SimulatedMedia {
  const url = providers['z-api'].publish(bytes('audio/ogg', voiceNote({ seed: index })));
  return { kind: 'audio', url, ...personAt(index) };
}

/** Occasional failures. */
function troubles({ host, providers }: Simulator): Webhook[] {
  const { 'z-api': zApi, vonage, aisoule } = providers;
  const gone = `${host.origin}/v3/media/00000000-0000-4000-8000-000000000000`;
  const page = zApi.publish(bytes('image/jpeg', Buffer.from('<!doctype html><title>Sign in</title>')));
  const inside = 'http://169.254.169.254/latest/photo.jpg';
  return [
    vonage.webhook({ kind: 'image', url: gone, ...personAt(1) }),
    vonage.webhook({ kind: 'image', url: `${gone}?again`, ...personAt(4) }),
    zApi.webhook({ kind: 'image', url: page, caption: 'Our new menu', ...personAt(2) }),
    aisoule.webhook({ kind: 'image', url: inside, ...personAt(3) }),
    zApi.webhook({ kind: 'malformed', ...personAt(5) }),
  ];
}
