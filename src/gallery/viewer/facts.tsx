import type { ComponentChildren } from 'preact';

import { api, type MediaView } from '../api.js';
import { bytes, clock, dayName, customerOf, fullTime, personOf, typeLabel } from '../format.js';
import { t } from '../languages/text.js';
import { Badges } from '../parts/badge.js';
import { CopyButton } from '../parts/copy-button.js';
import { Icon } from '../parts/icon.js';
import { personAddress } from '../person-address.js';
import { MediaReply } from '../reply/media-reply.js';
import { mayManage } from '../session.js';
import { useLoad } from '../use-load.js';
import { Actions } from './actions.js';
import { Annotations } from './annotations.js';
import { Copies } from './copies.js';
import { Findings } from './findings.js';
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
  return (
    <>
      <div class="facts-head">
        <h2>
          <PersonName media={media} />
        </h2>
        <p>
          {dayName(media.receivedAt)}, {clock(media.receivedAt)}
        </p>
        <Badges media={media} />
        <Warnings media={media} />
        {media.message?.caption !== null && media.message?.caption !== undefined && (
          <blockquote>{media.message.caption}</blockquote>
        )}
      </div>
      <MediaReply media={media} />
      <Actions media={media} onChange={onChange} />
      {media.state !== 'erased' && <Annotations media={media} onChange={onChange} />}
      <dl class="fact-list">
        <Origin media={media} />
        <FileFacts media={media} />
        <CameraFacts media={media} />
      </dl>
      <Findings media={media} />
      <Siblings media={media} hrefOf={hrefOf} />
      <Copies media={media} hrefOf={hrefOf} />
      <Timeline media={media} history={history} />
      {mayManage.value && history.value?.delivery != null && <RawDelivery id={history.value.delivery} />}
    </>
  );
}

/** The name of the customer, with a link to their page. */
function PersonName({ media }: { readonly media: MediaView }) {
  const id = customerOf(media);
  if (id === '') return <>{t(`kind.${media.kind}`)}</>;
  return <a href={personAddress(media.channel, id)}>{personOf(media)}</a>;
}

/** The warnings about a file that Inlet keeps nevertheless. */
function Warnings({ media }: { readonly media: MediaView }) {
  if (media.warnings.length === 0) return null;
  return (
    <ul class="warnings">
      {media.warnings.map(({ code }) => (
        <li key={code}>
          <Icon name="attention" size={16} />
          <span>
            <b>{t(`warning.${code}`)}</b>: {t(`warning_text.${code}`)}
          </span>
        </li>
      ))}
    </ul>
  );
}

interface FactProps {
  readonly name: string;
  readonly value: ComponentChildren;
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
      <Fact name={t('fact.direction')} value={t(`direction.${media.direction}`)} />
      {media.direction === 'outbound' && message && <DeliveryStatus media={media} messageId={message.id} />}
      <Fact name={t('fact.from')} value={message?.from} />
      <Fact name={t('fact.to')} value={message?.to} />
      <GroupFact media={media} />
      <Fact name={t('fact.channel')} value={media.channel} />
      <Fact name={t('fact.provider')} value={media.provider === media.channel ? null : media.provider} />
      <Fact name={t('fact.sent')} value={message?.sentAt ? fullTime(message.sentAt) : null} />
      <Fact name={t('fact.received')} value={fullTime(media.receivedAt)} />
      <Fact name={t('fact.message')} value={message?.id} />
    </>
  );
}

function GroupFact({ media: { channel, message } }: { readonly media: MediaView }) {
  const group = message?.chat ?? '';
  const link = group === '' ? null : <a href={personAddress(channel, group)}>{group}</a>;
  return <Fact name={t('fact.group')} value={link} />;
}

/** The delivery status of a message that the business sent. Some providers never report one. */
function DeliveryStatus({ media, messageId }: { readonly media: MediaView; readonly messageId: string }) {
  const { value } = useLoad(
    () => api.messages.byProviderId(media.channel, messageId),
    `${media.channel} ${messageId}`,
  );
  if (!value?.status) return null;
  const at = value.statusAt === null ? '' : `, ${fullTime(value.statusAt)}`;
  return <Fact name={t('fact.status')} value={`${t(`sending.${value.status}`)}${at}`} />;
}

function FileFacts({ media }: { readonly media: MediaView }) {
  const { width, height, sha256 } = media;
  return (
    <>
      <Fact name={t('fact.kind')} value={t(`kind.${media.kind}`)} />
      <Fact
        name={t('fact.type')}
        value={media.type === null ? null : `${typeLabel(media.type)} (${media.type})`}
      />
      <Fact name={t('fact.size')} value={media.bytes === null ? null : bytes(media.bytes)} />
      <Fact
        name={t('fact.dimensions')}
        value={width === null || height === null ? null : `${String(width)} × ${String(height)}`}
      />
      <Fact name={t('fact.file')} value={media.filename} />
      {sha256 !== null && (
        <div>
          <dt>SHA-256</dt>
          <dd class="with-button">
            <code title={sha256}>{sha256.slice(0, 16)}…</code>
            <CopyButton text={sha256} label={t('fact.copy_hash')} />
          </dd>
        </div>
      )}
    </>
  );
}

/** What the camera or a program has written into the picture. */
function CameraFacts({ media: { metadata, type, direction, kind } }: { readonly media: MediaView }) {
  if (!metadata) {
    if (direction !== 'inbound' || type !== 'image/jpeg') return null;
    // Whether it was there before cannot be seen: messengers remove it from pictures, and not from documents.
    const usual = kind === 'document' ? 'fact.camera_data_none_sent' : 'fact.camera_data_none';
    return <Fact name={t('fact.camera_data')} value={t(usual)} />;
  }
  const { takenAt, camera, software, latitude, longitude } = metadata;
  return (
    <>
      <Fact name={t('fact.taken')} value={takenAt?.replace('T', ' ')} />
      <Fact name={t('fact.camera')} value={camera} />
      <Fact name={t('fact.software')} value={software} />
      {latitude !== null && longitude !== null && (
        <Position coordinates={`${String(latitude)}, ${String(longitude)}`} />
      )}
    </>
  );
}

/** Text that any map understands: the page asks no other service about it. */
function Position({ coordinates }: { readonly coordinates: string }) {
  return (
    <div>
      <dt>{t('fact.position')}</dt>
      <dd class="with-button">
        {coordinates}
        <CopyButton text={coordinates} label={t('fact.copy_position')} />
      </dd>
    </div>
  );
}
