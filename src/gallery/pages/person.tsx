import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { api, InletError, type MediaView, type PersonDetails } from '../api.js';
import { at } from '../base.js';
import { withFewRequests } from '../few-requests.js';
import { nameOf, phone } from '../format.js';
import { t } from '../languages/text.js';
import { onEvent, onStreamBegun } from '../live.js';
import { Empty } from '../parts/empty.js';
import { Icon } from '../parts/icon.js';
import { PageHead } from '../parts/page-head.js';
import { Problem } from '../parts/problem.js';
import { ErasePerson } from '../people/erase-person.js';
import { MonthJump } from '../people/month-jump.js';
import { PersonFacts } from '../people/person-facts.js';
import { PersonTimeline } from '../people/person-timeline.js';
import { createTimelineList, type TimelineList } from '../people/timeline-list.js';
import { personInPath } from '../person-address.js';
import { idBefore, readPlace } from '../place.js';
import { ReplyButton } from '../reply/reply-button.js';
import type { ReplyRecipient } from '../reply/reply-dialog.js';
import { addressWith, navigate, path, query } from '../router.js';
import { mayManage, maySend } from '../session.js';
import { useLoad, type Loaded } from '../use-load.js';
import { useOpen } from '../use-open.js';
import { usePlaceInAddress } from '../use-place.js';
import { Viewer } from '../viewer/viewer.js';
import { NotFoundPage } from './not-found.js';

/** A person or a group: who they are, and everything that was exchanged, in both directions. */
export function PersonPage() {
  const whom = personInPath(path.value);
  if (!whom) return <NotFoundPage />;
  return <Person key={path.value} channel={whom.channel} id={whom.id} />;
}

interface Whom {
  readonly channel: string;
  readonly id: string;
}

function Person({ channel, id }: Whom) {
  const loaded = useLoad(() => api.people.get(channel, id));
  const person = isUnknown(loaded) ? undefined : loaded.value;
  const { list, jump } = useTimeline({ channel, id });
  useNews(loaded, list);
  if (!person) return <NoPerson loaded={loaded} id={id} />;
  return (
    <>
      <PageHead title={nameOf(person)} lead={leadOf(person)}>
        <PersonActions
          person={person}
          reload={loaded.reload}
          onSent={() => {
            void list.media.catchUp(true).catch(() => undefined);
          }}
        />
      </PageHead>
      <PersonFacts person={person} />
      <MonthJump
        person={person}
        isWhole={list.media.begin === undefined}
        jump={(before) => {
          jump(before === null ? null : idBefore(before));
        }}
      />
      <Conversation person={person} list={list} />
    </>
  );
}

/** Also after an erasure, while the page is open. */
function isUnknown({ error }: Loaded<PersonDetails>): boolean {
  return error instanceof InletError && error.code === 'person.not_found';
}

function leadOf({ kind, number, name, channel }: PersonDetails): string {
  const parts = [
    kind === 'group' ? t('person.group') : null,
    number !== null && name !== null ? phone(number) : null,
    channel,
  ];
  return parts.filter((part) => part !== null).join(' · ');
}

function NoPerson({ loaded, id }: { readonly loaded: Loaded<PersonDetails>; readonly id: string }) {
  const isNobody = isUnknown(loaded);
  return (
    <>
      <PageHead title={isNobody ? t('person.unknown') : id} />
      {isNobody && (
        <Empty icon="person" title={t('person.nobody')}>
          <p>{t('person.nobody_text')}</p>
          <a class="button" href={at('/admin')}>
            {t('not_found.back')}
          </a>
        </Empty>
      )}
      {!isNobody && loaded.error !== undefined && <Problem error={loaded.error} retry={loaded.reload} />}
      {loaded.loading && <p class="list-end">{t('common.loading')}</p>}
    </>
  );
}

interface PersonActionsProps {
  readonly person: PersonDetails;
  readonly reload: () => void;
  readonly onSent: () => void;
}

function PersonActions({ person, reload, onSent }: PersonActionsProps) {
  const erasing = useOpen();
  const filter = person.kind === 'group' ? { chat: person.id } : { from: person.id };
  return (
    <>
      {maySend.value && <ReplyButton recipient={recipientFor(person)} place="page" onSent={onSent} />}
      <a
        class="button"
        href={addressWith(
          { ...filter, channel: person.channel },
          { path: at('/admin'), query: new URLSearchParams() },
        )}
      >
        <Icon name="gallery" size={18} /> {t('person.in_gallery')}
      </a>
      {mayManage.value && person.kind === 'person' && (
        <button type="button" class="button quiet-danger" onClick={erasing.open}>
          <Icon name="erased" size={18} /> {t('actions.erase_person')}
        </button>
      )}
      {erasing.isOpen && <ErasePerson person={person} onErased={reload} onClose={erasing.close} />}
    </>
  );
}

function recipientFor(person: PersonDetails): ReplyRecipient {
  const { channel, id, number } = person;
  return {
    channel,
    to: number ?? id,
    name: nameOf(person),
    shownTo: number === null ? id : phone(number),
  };
}

/** The list, and the viewer above it. */
function Conversation({ person, list }: { readonly person: PersonDetails; readonly list: TimelineList }) {
  usePlaceInAddress({ entries: '.entry', isWhole: list.media.begin === undefined, page: path.value });
  const hrefOf = useCallback((media: string) => addressWith({ media }), []);
  const opened = query.value.get('media');
  return (
    <>
      <PersonTimeline person={person} list={list} hrefOf={hrefOf} />
      {opened !== null && (
        <Viewer
          key="viewer"
          id={opened}
          list={list.media}
          hrefOf={hrefOf}
          closedAt={addressWith({ media: null })}
        />
      )}
    </>
  );
}

/** The list of the person. `jump` begins it again: behind an id, or with the newest for null. */
function useTimeline(whom: Whom) {
  const [list, setList] = useState(() => createTimelineList(whom, readPlace(query.value)));
  const { channel, id } = whom;
  const jump = useCallback(
    (place: string | null): void => {
      navigate(addressWith({ at: place }), { replace: true });
      setList(createTimelineList({ channel, id }, place ?? undefined));
      window.scrollTo(0, 0);
    },
    [channel, id],
  );
  return { list, jump };
}

/** Shows what arrives while the page is open. */
function useNews({ value: person, loading, reloaded }: Loaded<PersonDetails>, list: TimelineList): void {
  const known = useRef({ person, loading });
  known.current = { person, loading };
  const { channel, from } = list.media.filters;
  const reloadPerson = useMemo(() => withFewRequests(reloaded), [reloaded]);
  useEffect(() => {
    const catchUp = (): void => {
      void reloadPerson();
      list.media.catchUp(true).catch(() => undefined); // The next event triggers it again.
    };
    const isConcerned = ({ message }: MediaView): boolean => {
      // Until the person is loaded, a message may be about another of the ids.
      if (!known.current.person && known.current.loading) return true;
      const ids = [from, ...(known.current.person?.ids ?? [])];
      return [message?.from, message?.to, message?.chat].some((one) => one != null && ids.includes(one));
    };
    const stopListening = onEvent(({ data }) => {
      if (!('kind' in data) || data.channel !== channel) return;
      list.media.take(data, true);
      if (isConcerned(data)) catchUp();
    });
    const stopCatchingUp = onStreamBegun(catchUp);
    return () => {
      stopListening();
      stopCatchingUp();
    };
  }, [channel, from, reloadPerson, list]);
}
