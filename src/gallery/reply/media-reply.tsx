import type { MediaView } from '../api.js';
import { customerOf, personOf, phone } from '../format.js';
import { maySend } from '../session.js';
import { ReplyButton } from './reply-button.js';
import type { ReplyRecipient } from './reply-dialog.js';

/** Sends files to the customer of a media item, or into its group. */
export function MediaReply({ media }: { readonly media: MediaView }) {
  const recipient = recipientOfMedia(media);
  if (!maySend.value || !recipient) return null;
  return (
    <div class="button-row">
      <ReplyButton recipient={recipient} place="viewer" onSent={() => undefined} />
    </div>
  );
}

function recipientOfMedia(media: MediaView): ReplyRecipient | undefined {
  const { channel, message, direction } = media;
  const group = message?.chat ?? '';
  const to = group === '' ? customerOf(media) : group;
  if (to === '') return undefined;
  const shownTo = /^\d{8,15}$/.test(to) ? phone(to) : to;
  const isNamed = group === '' && direction === 'inbound';
  return { channel, to, name: isNamed ? personOf(media) : shownTo, shownTo };
}
