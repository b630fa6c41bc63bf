/** Which messages without files are kept: all, those within minutes of a file, or none. */
export const keepTextsModes = ['all', 'around', 'none'] as const;
export type KeepTexts = (typeof keepTextsModes)[number];

/** How far from a file a message without one still belongs to it. */
export const aroundMinutes = 10;
