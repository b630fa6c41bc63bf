/** Parses server-sent events (WHATWG HTML, section 9.2.6) from text that arrives in pieces of any size. */

/** The fields of one block of lines; null for a field that is missing. */
export interface EventBlock {
  /** A client stores the id, whatever else the block contains. */
  readonly id: string | null;
  readonly type: string | null;
  /** Only a block with data is an event. */
  readonly data: string | null;
  readonly retryMs: number | null;
}

export interface EventBlocks {
  /** The blocks that are complete with this piece. */
  readonly add: (piece: string) => EventBlock[];
}

export function readEventBlocks(): EventBlocks {
  let pending = '';
  let lines: string[] = [];
  return {
    add: (piece) => {
      // A CR at the end may be the first half of CR LF, which only the next piece reveals.
      const parts = (pending + piece).split(/\r\n|\n|\r(?!$)/);
      pending = parts.pop() ?? '';
      const blocks: EventBlock[] = [];
      for (const line of parts) {
        if (line !== '') lines.push(line);
        else if (lines.length > 0) {
          blocks.push(blockOf(lines));
          lines = [];
        }
      }
      return blocks;
    },
  };
}

function blockOf(lines: readonly string[]): EventBlock {
  const values = (name: string): string[] =>
    lines.map(fieldOf).flatMap((field) => (field.name === name ? [field.value] : []));
  const data = values('data');
  return {
    id: values('id').findLast((id) => !id.includes('\0')) ?? null,
    type: values('event').at(-1) ?? null,
    data: data.length === 0 ? null : data.join('\n'),
    retryMs: Number(values('retry').findLast((text) => /^\d+$/.test(text)) ?? NaN) || null,
  };
}

/** Comments have an empty name. */
function fieldOf(line: string): { readonly name: string; readonly value: string } {
  const colon = line.indexOf(':');
  if (colon === -1) return { name: line, value: '' };
  return { name: line.slice(0, colon), value: line.slice(colon + 1).replace(/^ /, '') };
}
