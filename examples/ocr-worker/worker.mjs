/**
 * Reads the text in the pictures that Inlet receives, and records it as a fact: a program beside the service
 * that uses nothing but its API. Settings: INLET_URL, INLET_TOKEN (scopes media:read and facts:write), and
 * POSITION_FILE, in which the worker remembers the last event that it has handled.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import english from '@tesseract.js-data/eng';
import { createWorker } from 'tesseract.js';

const base = (process.env.INLET_URL ?? 'http://127.0.0.1:3000').replace(/\/$/, '');
const token = process.env.INLET_TOKEN;
const positionFile = process.env.POSITION_FILE ?? 'position.txt';
const source = 'tesseract';
/** The service accepts this many letters. */
const longestText = 20_000;

if (!token) {
  console.error('Set INLET_TOKEN: npm run token -- --scope media:read --scope facts:write');
  process.exit(78);
}

/** Calls the API. Waits and repeats while the service is busy or away. */
async function call(path, options = {}) {
  for (let pauseMs = 1_000; ; pauseMs = Math.min(2 * pauseMs, 30_000)) {
    const headers = { authorization: `Bearer ${token}`, ...options.headers };
    const response = await fetch(base + path, { ...options, headers }).catch(() => undefined);
    if (response && response.status !== 429 && response.status < 500) return response;
    await response?.body?.cancel();
    await delay(Number(response?.headers.get('retry-after') ?? 0) * 1_000 || pauseMs);
  }
}

/** The events of one connection, beginning behind the given id. */
async function* eventsAfter(id) {
  const headers = id === '' ? {} : { 'last-event-id': id };
  const response = await call('/v1/events?type=media.ready', { headers });
  if (!response.ok) throw new Error(`the stream of events was refused: ${response.status}`);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
}

/** Reads the text of a picture, and records it. A picture without text gets no fact. */
async function readText(reader, media) {
  const preview = media.previews.large;
  if (media.kind !== 'image' || !preview) return;
  const picture = await call(preview.url);
  // It may have been erased in the meantime.
  if (!picture.ok) return;
  const { data } = await reader.recognize(Buffer.from(await picture.arrayBuffer()));
  const value = data.text.replaceAll('\0', '').trim().slice(0, longestText).toWellFormed();
  if (value === '') return;
  const fact = { source, type: 'text', value, language: 'en', confidence: data.confidence / 100 };
  const answer = await call(`/v1/media/${media.id}/facts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fact),
  });
  console.log(`${media.id}: ${answer.ok ? `${value.length} letters` : `refused (${answer.status})`}`);
}

const reader = await createWorker(english.code, 1, {
  langPath: english.langPath,
  gzip: english.gzip,
  cacheMethod: 'none',
});
let position = await readFile(positionFile, 'utf8').catch(() => '');
for (;;) {
  try {
    for await (const event of eventsAfter(position)) {
      if (event.type === 'media.ready') await readText(reader, event.data);
      if (event.type === 'stream.open') console.log(`connected to ${base}`);
      position = event.id;
      await writeFile(positionFile, position);
    }
  } catch (error) {
    console.error(`the connection has ended: ${error.message}`);
  }
  await delay(1_000);
}
