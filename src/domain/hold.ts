/** What a legal hold keeps. */
export const holdTypes = ['person', 'chat', 'tag', 'media'] as const;
export type HoldType = (typeof holdTypes)[number];
