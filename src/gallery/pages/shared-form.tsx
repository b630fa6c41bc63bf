import { useEffect, useState } from 'preact/hooks';

import { at } from '../base.js';
import { t } from '../languages/text.js';
import { navigate, query } from '../router.js';
import { maySend } from '../session.js';
import { createSharedFiles } from '../shared/shared-files.js';
import { SendMedia } from './send-media.js';

const shared = createSharedFiles(at(''));

/**
 * The form with the files that another app has shared, as long as the address says that there are some. They
 * are kept until the form is closed, so that a reload, or signing in before, does not lose them.
 */
export function SharedForm({ onSent }: { readonly onSent: () => void }) {
  const isShared = query.value.has('shared');
  const [files, setFiles] = useState<readonly File[] | null>(null);
  useEffect(() => {
    if (!isShared) return;
    shared.find().then(setFiles, () => {
      setFiles([]); // The browser may refuse to read what it stores.
    });
  }, [isShared]);
  if (!isShared || files === null) return null;
  const end = (): void => {
    setFiles(null);
    shared.forget().catch(() => undefined); // Too old files are not offered again.
    navigate(at('/admin/sent'), { replace: true });
  };
  if (!maySend.value || files.length === 0)
    return (
      <div class="notice" role="status">
        <p>{t(maySend.value ? 'shared.lost' : 'shared.may_not_send')}</p>
        <button type="button" class="button" onClick={end}>
          {t('common.close')}
        </button>
      </div>
    );
  return (
    <SendMedia
      files={files}
      onClose={end}
      onSent={() => {
        end();
        onSent();
      }}
    />
  );
}
