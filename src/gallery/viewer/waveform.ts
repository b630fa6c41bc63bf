/** The loudness of a recording, for a drawing of it. */

/** Number of bars. */
const bars = 96;
/** Half an hour of a voice note. Decoding holds the whole recording in memory. */
export const maxDecodedBytes = 4_000_000;
/** Samples for each second: enough for the loudness, and a sixth of the memory. */
const sampleRate = 8_000;

/** The loudest moment of each part, from 0 to 1; undefined if the browser cannot decode the recording. */
export async function waveformOf(url: string, signal: AbortSignal): Promise<readonly number[] | undefined> {
  const response = await fetch(url, { signal });
  if (!response.ok) return undefined;
  const encoded = await response.arrayBuffer();
  try {
    const decoded = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(encoded);
    return peaksOf(decoded.getChannelData(0), bars);
  } catch {
    return undefined; // Browsers lack some formats of phones, such as AMR.
  }
}

/** The greatest amplitude of each of `count` equal parts; the loudest of all is 1. */
export function peaksOf(samples: Float32Array, count: number): number[] {
  const peaks = Array.from({ length: count }, (_, index) => {
    const end = Math.floor(((index + 1) * samples.length) / count);
    let peak = 0;
    for (let at = Math.floor((index * samples.length) / count); at < end; at += 1)
      peak = Math.max(peak, Math.abs(samples[at] ?? 0));
    return peak;
  });
  const loudest = Math.max(...peaks);
  return loudest === 0 ? peaks : peaks.map((peak) => peak / loudest);
}
