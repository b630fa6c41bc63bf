import type { ComponentChildren, VNode } from 'preact';

import { piecesOf, type MessageId, type Values } from './text.js';

interface RichProps {
  readonly id: MessageId;
  /** Values may be elements. Marks in values are not marks of the text. */
  readonly values?: Values<ComponentChildren>;
  /** The page that `<a>` leads to, in a tab of its own. */
  readonly link?: string;
}

type Mark = 'b' | 'code' | 'a';

/** A text with marks: `<b>`, `<code>` and `<a>`, which do not contain each other. */
export function Rich({ id, values = {}, link = '' }: RichProps) {
  const found: ComponentChildren[] = [];
  let open: { readonly mark: Mark; readonly content: ComponentChildren[] } | undefined;
  const put = (content: ComponentChildren): void => {
    (open?.content ?? found).push(content);
  };
  for (const piece of piecesOf<ComponentChildren>(id, values)) {
    if ('value' in piece) put(piece.value);
    else
      for (const words of piece.words.split(/(<\/?(?:b|code|a)>)/)) {
        const [, end, mark] = /^<(\/?)(b|code|a)>$/.exec(words) ?? [];
        if (mark === undefined) put(words);
        else if (end === '') open = { mark: mark as Mark, content: [] };
        else {
          const closed = open;
          open = undefined;
          if (closed) put(marked(closed.mark, closed.content, link));
        }
      }
  }
  return <>{found}</>;
}

function marked(mark: Mark, content: ComponentChildren, link: string): VNode {
  if (mark === 'b') return <b>{content}</b>;
  if (mark === 'code') return <code>{content}</code>;
  return (
    <a href={link} target="_blank" rel="noreferrer">
      {content}
    </a>
  );
}
