import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import { bytes } from '../format.js';
import { t } from '../languages/text.js';
import { Icon } from './icon.js';

interface DropFileProps {
  readonly name: string;
  readonly label: string;
  /** Files that the field contains at first. */
  readonly chosen?: readonly File[] | undefined;
}

/** A field for one file, which the user chooses or drops onto it, or for those that were chosen elsewhere. */
export function DropFile({ name, label, chosen = [] }: DropFileProps) {
  const input = useRef<HTMLInputElement>(null);
  const [files, setFiles] = useState(chosen);
  const [over, setOver] = useState(false);
  useLayoutEffect(() => {
    if (!input.current || chosen.length === 0) return;
    const data = new DataTransfer();
    for (const file of chosen) data.items.add(file);
    input.current.files = data.files;
  }, []);
  return (
    <label
      class={`drop ${over ? 'over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => {
        setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const dropped = event.dataTransfer?.files;
        if (!input.current || dropped?.length !== 1) return;
        input.current.files = dropped;
        setFiles([...dropped]);
      }}
    >
      <Icon name="up" size={28} />
      <span>{contentOf(files, label)}</span>
      <input
        ref={input}
        class="unseen"
        type="file"
        name={name}
        multiple={chosen.length > 1}
        onChange={(event) => {
          setFiles([...(event.currentTarget.files ?? [])]);
        }}
      />
    </label>
  );
}

function contentOf(files: readonly File[], label: string): string {
  const [first, ...others] = files;
  if (!first) return t('drop.empty', { label });
  const size = bytes(files.reduce((sum, file) => sum + file.size, 0));
  if (others.length === 0) return t('drop.chosen', { label, file: first.name, size });
  return t('drop.several', {
    label,
    count: files.length,
    names: files.map(({ name }) => name).join(', '),
    size,
  });
}
