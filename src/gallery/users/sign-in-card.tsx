import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

import { BrandMark } from '../parts/brand-mark.js';
import { LanguageChoice } from '../parts/language-choice.js';

interface SignInCardProps {
  readonly heading: string;
  /** The title of the document. */
  readonly title: string;
  readonly children: ComponentChildren;
}

/** The frame of the pages for visitors who are not signed in. */
export function SignInCard({ heading, title, children }: SignInCardProps) {
  useEffect(() => {
    document.title = `${title} · Inlet`;
  }, [title]);
  return (
    <main class="sign-in" id="main">
      <div class="card">
        <BrandMark size={44} />
        <h1>{heading}</h1>
        {children}
        <LanguageChoice />
      </div>
    </main>
  );
}
