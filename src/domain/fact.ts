/** What external programs find out about a media item. */
export interface Label {
  readonly name: string;
  readonly confidence?: number | undefined;
}

/** The type of each fact with its value. */
export type FactValue =
  /** The text in a picture or a document. */
  | { readonly type: 'text'; readonly value: string }
  /** The words of a sound or a video. */
  | { readonly type: 'transcript'; readonly value: string }
  /** What a picture shows, in a sentence. */
  | { readonly type: 'description'; readonly value: string }
  | { readonly type: 'labels'; readonly value: readonly Label[] }
  /** 0: sharp, 1: nothing can be recognised. */
  | { readonly type: 'blur'; readonly value: number };

export type Fact = FactValue & {
  /** The program, as it calls itself. A further fact of the same source and type replaces this one. */
  readonly source: string;
  readonly language: string | null;
  /** From 0 to 1. */
  readonly confidence: number | null;
};

/** The words of a fact, by which its media item can be found; null if it has none. */
export function wordsOf(fact: FactValue): string | null {
  switch (fact.type) {
    case 'text':
    case 'transcript':
    case 'description':
      return fact.value;
    case 'labels':
      return fact.value.map(({ name }) => name).join('\n');
    case 'blur':
      return null;
  }
}
