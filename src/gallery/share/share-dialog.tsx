import { useState } from 'preact/hooks';

import { api } from '../api.js';
import { t } from '../languages/text.js';
import { FormDialog, textOf } from '../parts/form-dialog.js';
import { SecretOnce } from '../parts/secret-once.js';

/** The most files that one page takes. */
const mostFiles = 100;
const daySeconds = 86_400;

interface ShareDialogProps {
  /** The media items in the order of the page. */
  readonly ids: readonly string[];
  /** How many of the selected media items have no file that could be shared. */
  readonly leftOut?: number;
  readonly onClose: () => void;
}

interface Created {
  readonly url: string;
  readonly password: string;
}

/** Creates a page with files for people without a token. The service reveals its link only once. */
export function ShareDialog({ ids, leftOut = 0, onClose }: ShareDialogProps) {
  const [created, setCreated] = useState<Created | null>(null);
  if (created) return <LinkOnce created={created} onClose={onClose} />;
  const problem = problemOf(ids.length);
  return (
    <FormDialog
      title={t('share.title', { count: ids.length })}
      action={t('share.create')}
      disabled={problem !== undefined}
      onClose={onClose}
      onSubmit={async (values) => {
        const password = textOf(values, 'password');
        const { url } = await api.shares.create({
          media: ids,
          title: textOf(values, 'title') || null,
          expiresIn: Number(textOf(values, 'days')) * daySeconds,
          password: password || null,
        });
        setCreated({ url, password });
      }}
    >
      <p>{t('share.text')}</p>
      {leftOut > 0 && <p class="hint">{t('share.left_out', { count: leftOut })}</p>}
      {problem !== undefined && <p class="error-text">{problem}</p>}
      <ShareFields />
    </FormDialog>
  );
}

function problemOf(files: number): string | undefined {
  if (files === 0) return t('share.none');
  return files > mostFiles ? t('share.too_many', { count: mostFiles }) : undefined;
}

function ShareFields() {
  return (
    <>
      <label class="field">
        <span>{t('share.page_title')}</span>
        <input class="input" name="title" maxLength={200} autofocus />
      </label>
      <label class="field">
        <span>{t('share.days')}</span>
        <input class="input" name="days" type="number" min={1} max={90} step={1} defaultValue="7" required />
      </label>
      <label class="field">
        <span>{t('share.password')}</span>
        <input class="input" name="password" minLength={8} maxLength={128} spellcheck={false} />
        <span class="hint">{t('share.password_text')}</span>
      </label>
    </>
  );
}

function LinkOnce({ created, onClose }: { readonly created: Created; readonly onClose: () => void }) {
  const { url, password } = created;
  const link = [t('share.link'), url] as const;
  return (
    <SecretOnce
      title={t('share.created_title')}
      explanation={t('share.created_text')}
      secrets={password === '' ? [link] : [link, [t('share.password_name'), password]]}
      onClose={onClose}
    />
  );
}
