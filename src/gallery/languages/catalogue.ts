/** The files with texts, which the build has made from the catalogues; English is part of the main script. */
import type { Language } from '../../domain/language.js';

/** `messages`: the texts of the pages. `service`: texts of the service, which few pages show. */
type Catalogue = 'messages' | 'service';

/** The address of a catalogue; undefined for English. */
export function catalogueAddress(catalogue: Catalogue, language: Language): string | undefined {
  const addresses = (document.documentElement.dataset['catalogues'] ?? '').split(' ');
  return addresses.find((address) => address.includes(`/${catalogue}-${language}.`));
}

/** The texts at an address of a catalogue, by their ids or their English words. */
export async function loadCatalogue(address: string): Promise<Readonly<Record<string, string>>> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${String(response.status)}`);
  return (await response.json()) as Readonly<Record<string, string>>;
}
