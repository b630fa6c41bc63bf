import { useState } from 'preact/hooks';

import { api, InletError, type AnnotationChange, type MediaView } from '../api.js';
import { refreshAttention } from '../attention-count.js';
import { at } from '../base.js';
import { shortTime } from '../format.js';
import { t } from '../languages/text.js';
import { Icon } from '../parts/icon.js';
import { Problem } from '../parts/problem.js';
import { addressWith } from '../router.js';
import { maySend } from '../session.js';
import { TagInput } from '../tags/tag-input.js';

interface AnnotationsProps {
  readonly media: MediaView;
  readonly onChange: (media: MediaView) => void;
}

type Change = (change: AnnotationChange) => Promise<boolean>;

/** Tags, a note, and whether somebody has dealt with the file. */
export function Annotations({ media, onChange }: AnnotationsProps) {
  const [error, setError] = useState<unknown>();
  const isConflict = error instanceof InletError && error.code === 'media.annotated_meanwhile';
  const change: Change = async (wanted) => {
    setError(undefined);
    try {
      const { revision } = media.annotations;
      onChange({ ...media, annotations: await api.media.annotate(media.id, wanted, { revision }) });
      if (wanted.resolved !== undefined) await refreshAttention();
      return true;
    } catch (problem) {
      setError(problem);
      // What somebody else has written is shown beside what was typed here.
      onChange(await api.media.get(media.id).catch(() => media));
      return false;
    }
  };
  return (
    <section class="annotations">
      <h3>{t('notes.title')}</h3>
      <Tags media={media} change={change} />
      <Note media={media} change={change} />
      <Handled media={media} change={change} />
      {error !== undefined && !isConflict && <Problem error={error} />}
      {isConflict && (
        <p class="problem" role="alert">
          {t('notes.conflict')}
        </p>
      )}
    </section>
  );
}

interface PartProps {
  readonly media: MediaView;
  readonly change: Change;
}

function Tags({ media, change }: PartProps) {
  const { tags } = media.annotations;
  return (
    <div class="tags">
      {tags.length > 0 && (
        <ul class="chips" aria-label={t('notes.tags')}>
          {tags.map((tag) => (
            <li key={tag} class="tag">
              <a href={addressWith({ tag }, { path: at('/admin'), query: new URLSearchParams() })}>{tag}</a>
              {maySend.value && (
                <button
                  type="button"
                  aria-label={t('notes.remove_tag', { tag })}
                  onClick={() => void change({ tags: tags.filter((one) => one !== tag) })}
                >
                  <Icon name="close" size={14} />
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {maySend.value && <NewTag media={media} change={change} />}
    </div>
  );
}

/** Suggests the tags that media of the channel have. */
function NewTag({ media, change }: PartProps) {
  const { tags } = media.annotations;
  const [text, setText] = useState('');
  const add = async (): Promise<void> => {
    const tag = text.trim();
    if (tag !== '' && (await change({ tags: [...tags, tag] }))) setText('');
  };
  return (
    <form
      class="copy-field"
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <TagInput
        value={text}
        label={t('notes.new_tag')}
        channel={media.channel}
        without={tags}
        onType={setText}
      />
      <button type="submit" class="button small" disabled={text.trim() === ''}>
        {t('notes.add_tag')}
      </button>
    </form>
  );
}

interface Typed {
  readonly text: string;
  /** The note that was there when the typing began. */
  readonly base: string;
}

/** What is typed here stays when somebody else has changed the note, and both are shown. */
function Note({ media, change }: PartProps) {
  const saved = media.annotations.note ?? '';
  const [typed, setTyped] = useState<Typed | null>(null);
  if (!maySend.value) return saved === '' ? null : <p class="entry-text">{saved}</p>;
  const save = async ({ text }: Typed): Promise<void> => {
    if (await change({ note: text.trim() === '' ? null : text })) setTyped(null);
  };
  return (
    <form
      class="note"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed) void save(typed);
      }}
    >
      <label class="field">
        <span>{t('notes.note')}</span>
        <textarea
          class="input"
          rows={3}
          maxLength={4_000}
          value={typed?.text ?? saved}
          onInput={({ currentTarget }) => {
            setTyped({ text: currentTarget.value, base: typed?.base ?? saved });
          }}
        />
      </label>
      {typed && typed.text !== saved && (
        <Decision
          theirs={typed.base === saved ? undefined : saved}
          leave={() => {
            setTyped(null);
          }}
        />
      )}
    </form>
  );
}

interface DecisionProps {
  /** What somebody else has written meanwhile. */
  readonly theirs: string | undefined;
  readonly leave: () => void;
}

function Decision({ theirs, leave }: DecisionProps) {
  return (
    <>
      {theirs !== undefined && (
        <blockquote>
          <span class="soft">{t('notes.theirs')}</span>
          <p class="entry-text">{theirs === '' ? t('notes.none') : theirs}</p>
        </blockquote>
      )}
      <div class="button-row">
        <button type="submit" class="button small primary">
          {theirs === undefined ? t('notes.save') : t('notes.overwrite')}
        </button>
        <button type="button" class="button small" onClick={leave}>
          {theirs === undefined ? t('common.cancel') : t('notes.take_theirs')}
        </button>
      </div>
    </>
  );
}

function Handled({ media, change }: PartProps) {
  const { resolvedAt } = media.annotations;
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={resolvedAt !== null}
        disabled={!maySend.value}
        onChange={({ currentTarget }) => {
          const { checked } = currentTarget;
          void change({ resolved: checked }).then((isDone) => {
            if (!isDone) currentTarget.checked = resolvedAt !== null;
          });
        }}
      />
      <span>
        {resolvedAt === null ? t('notes.handled') : t('notes.handled_at', { time: shortTime(resolvedAt) })}
      </span>
    </label>
  );
}
