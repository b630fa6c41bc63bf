import { useRef, useState } from 'preact/hooks';

import { bytes } from '../format.js';
import { Icon } from './icon.js';

/** A field for one file, which the user chooses or drops onto it. */
export function DropFile({ name, label }: { readonly name: string; readonly label: string }) {
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [over, setOver] = useState(false);
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
        setFile(dropped[0] ?? null);
      }}
    >
      <Icon name="up" size={28} />
      <span>
        {label}
        {file === null ? ': drop it here, or choose one' : `: ${file.name} (${bytes(file.size)})`}
      </span>
      <input
        ref={input}
        class="unseen"
        type="file"
        name={name}
        onChange={(event) => {
          setFile(event.currentTarget.files?.[0] ?? null);
        }}
      />
    </label>
  );
}
