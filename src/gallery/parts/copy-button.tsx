import { useEffect, useState } from 'preact/hooks';

import { t } from '../languages/text.js';
import { announcement } from '../live.js';
import { Icon } from './icon.js';

/** Copies a text and confirms it. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = window.setTimeout(() => {
      setCopied(false);
    }, 2_000);
    return () => {
      window.clearTimeout(timer);
    };
  }, [copied]);
  const copy = async (): Promise<void> => {
    await copyText(text);
    setCopied(true);
    announcement.value = t('common.copied');
  };
  return (
    <button type="button" class="button small" onClick={() => void copy()} aria-label={label}>
      <Icon name={copied ? 'check' : 'copy'} size={16} />
      {copied ? t('common.copied') : t('common.copy')}
    </button>
  );
}

/** Browsers offer the clipboard to secure pages only; over plain HTTP a selected field is copied instead. */
async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) {
    await navigator.clipboard.writeText(text).catch(() => {
      copyBySelection(text);
    });
  } else copyBySelection(text);
}

function copyBySelection(text: string): void {
  const field = document.createElement('textarea');
  field.value = text;
  // Inside an open dialog everything else is inert.
  const place = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
  place.append(field);
  field.select();
  // Without a secure context there is no other way.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  document.execCommand('copy');
  field.remove();
}
