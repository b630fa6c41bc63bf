import { typeName } from '../../domain/type-names.js';
import { api, type MediaView } from '../api.js';
import {
  bytes,
  clock,
  dayName,
  directionNames,
  fullTime,
  kindNames,
  personOf,
  sendingNames,
  warningNames,
} from '../format.js';
import { Badges } from '../parts/badge.js';
import { CopyButton } from '../parts/copy-button.js';
import { Icon } from '../parts/icon.js';
import { isAdmin } from '../session.js';
import { useLoad } from '../use-load.js';
import { Actions } from './actions.js';
import { Siblings } from './siblings.js';
import { RawDelivery, Timeline } from './timeline.js';

interface FactsProps {
  readonly media: MediaView;
  readonly hrefOf: (id: string) => string;
  readonly onChange: (media: MediaView) => void;
}

export function Facts({ media, hrefOf, onChange }: FactsProps) {
  const history = useLoad(
    () => api.media.history(media.id),
    `${media.id} ${media.state} ${String(media.attempts)} ${media.deletedBySenderAt ?? ''}`,
  );
  const person = personOf(media);
  return (
    <>
      <div class="facts-head">
        <h2>{person === '' ? kindNames[media.kind] : person}</h2>
        <p>
          {dayName(media.receivedAt)}, {clock(media.receivedAt)}
        </p>
        <Badges media={media} />
        <Warnings media={media} />
        {media.message?.caption !== null && media.message?.caption !== undefined && (
          <blockquote>{media.message.caption}</blockquote>
        )}
      </div>
      <Actions media={media} onChange={onChange} />
      <dl class="fact-list">
        <Origin media={media} />
        <FileFacts media={media} />
      </dl>
      <Siblings media={media} hrefOf={hrefOf} />
      <Timeline media={media} history={history} />
      {isAdmin.value && history.value?.delivery != null && <RawDelivery id={history.value.delivery} />}
    </>
  );
}

/** The warnings about a file that Inlet keeps nevertheless. */
function Warnings({ media }: { readonly media: MediaView }) {
  if (media.warnings.length === 0) return null;
  return (
    <ul class="warnings">
      {media.warnings.map(({ code, message }) => (
        <li key={code}>
          <Icon name="attention" size={16} />
          <span>
            <b>{warningNames[code]}</b>: {message}
          </span>
        </li>
      ))}
    </ul>
  );
}

interface FactProps {
  readonly name: string;
  readonly value: string | null | undefined;
}

function Fact({ name, value }: FactProps) {
  if (value === null || value === undefined || value === '') return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Origin({ media }: { readonly media: MediaView }) {
  const { message } = media;
  return (
    <>
      <Fact name="Direction" value={directionNames[media.direction]} />
      {media.direction === 'outbound' && message && <DeliveryStatus media={media} messageId={message.id} />}
      <Fact name="From" value={message?.from} />
      <Fact name="To" value={message?.to} />
      <Fact name="Group" value={message?.chat} />
      <Fact name="Channel" value={media.channel} />
      <Fact name="Provider" value={media.provider === media.channel ? null : media.provider} />
      <Fact name="Sent" value={message?.sentAt ? fullTime(message.sentAt) : null} />
      <Fact name="Received" value={fullTime(media.receivedAt)} />
      <Fact name="Message" value={message?.id} />
    </>
  );
}

/** The delivery status of a message that the business sent. Some providers never report one. */
function DeliveryStatus({ media, messageId }: { readonly media: MediaView; readonly messageId: string }) {
  const { value } = useLoad(
    () => api.messages.byProviderId(media.channel, messageId),
    `${media.channel} ${messageId}`,
  );
  if (!value?.status) return null;
  const at = value.statusAt === null ? '' : `, ${fullTime(value.statusAt)}`;
  return <Fact name="Status" value={`${sendingNames[value.status]}${at}`} />;
}

function FileFacts({ media }: { readonly media: MediaView }) {
  const { width, height, sha256 } = media;
  return (
    <>
      <Fact name="Kind" value={kindNames[media.kind]} />
      <Fact name="Type" value={media.type === null ? null : `${typeName(media.type)} (${media.type})`} />
      <Fact name="Size" value={media.bytes === null ? null : bytes(media.bytes)} />
      <Fact
        name="Dimensions"
        value={width === null || height === null ? null : `${String(width)} × ${String(height)}`}
      />
      <Fact name="File" value={media.filename} />
      {sha256 !== null && (
        <div>
          <dt>SHA-256</dt>
          <dd class="with-button">
            <code title={sha256}>{sha256.slice(0, 16)}…</code>
            <CopyButton text={sha256} label="Copy the SHA-256" />
          </dd>
        </div>
      )}
    </>
  );
}
