import { api, type PersonView } from '../api.js';
import { bytes, nameOf } from '../format.js';
import { Rich } from '../languages/rich.js';
import { t } from '../languages/text.js';
import { Confirm } from '../parts/confirm.js';
import { Problem } from '../parts/problem.js';
import { useLoad } from '../use-load.js';

interface ErasePersonProps {
  readonly person: PersonView;
  readonly onErased: () => void;
  readonly onClose: () => void;
}

/** Counts first what would be erased under all ids of the person, and erases when the id was typed. */
export function ErasePerson({ person, onErased, onClose }: ErasePersonProps) {
  const { channel, id, ids } = person;
  const counted = useLoad(() => api.contacts.erase(channel, id, { dryRun: true }), `${channel} ${id}`);
  const count = counted.value?.erased;
  return (
    <Confirm
      title={t('erase_person.title')}
      action={t('erase_person.action')}
      typed={id}
      onClose={onClose}
      onConfirm={async () => {
        await api.contacts.erase(channel, id);
        onErased();
      }}
    >
      <p>
        <Rich id="erase_person.text" values={{ person: nameOf(person), channel }} />
      </p>
      {ids.length > 1 && <p>{t('erase_person.ids', { ids: ids.join(', ') })}</p>}
      {counted.error !== undefined && <Problem error={counted.error} retry={counted.reload} />}
      {counted.loading && <p class="soft">{t('erase_person.counting')}</p>}
      {count && (
        <p role="status">
          <b>
            {t('erase_person.count', {
              media: count.media,
              messages: count.messages,
              deliveries: count.deliveries,
              size: bytes(count.bytes),
            })}
          </b>
        </p>
      )}
    </Confirm>
  );
}
