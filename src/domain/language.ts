/** The languages of the pages. */
export const languages = ['en', 'pt-BR', 'es'] as const;
export type Language = (typeof languages)[number];

/** Each language in its own words, because a reader looks for those. */
export const languageNames = {
  en: 'English',
  'pt-BR': 'Português (Brasil)',
  es: 'Español',
} as const satisfies Record<Language, string>;

/** A choice that is no language of ours counts as none. Without any match, the pages are in English. */
export function languageFor(chosen: string | null, preferred: readonly string[]): Language {
  const known = languages.find((language) => language === chosen);
  if (known) return known;
  for (const tag of preferred) {
    const found = languages.find((language) => base(language) === base(tag));
    if (found) return found;
  }
  return 'en';
}

/**
 * The locale of dates and numbers: the variant of the language that the browser prefers, because English
 * dates differ between London and New York.
 */
export function localeFor(language: Language, preferred: readonly string[]): string {
  return preferred.find((tag) => base(tag) === base(language)) ?? language;
}

function base(tag: string): string {
  return tag.split('-')[0]?.toLowerCase() ?? '';
}
