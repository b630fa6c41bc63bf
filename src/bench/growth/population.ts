/**
 * Fills a database as a year of use would: media with their messages and files, of all kinds and states, and
 * one busy person.
 */

/** What a populated database holds, for lookups that find something. */
export const landmarks = {
  /** One in ten media is of this person. Everybody else has about twenty. */
  busyPerson: '5511900000000',
  /** One in a hundred media has this file. */
  sharedFile: 'ab'.repeat(32),
  group: '120363000000000001-group',
  messageIdOf: (place: number) => `3EB0${String(place).padStart(16, '0')}`,
  personOf: (place: number) => `55119${String(place).padStart(8, '0')}`,
  /** One in fifty media has this tag. */
  tag: 'Reklamação',
  /** One in two thousand media has this one, the first of them included. */
  rareTag: 'case 4711',
} as const;

const placesAtOnce = 50_000;

type Query = (text: string, values: readonly unknown[]) => Promise<readonly object[]>;

/**
 * Adds so many media, the last one received now, over `days` days. `query` runs a statement and returns its
 * rows.
 */
export async function populate(
  query: Query,
  { count, days = 365 }: { readonly count: number; readonly days?: number },
): Promise<void> {
  const now = new Date();
  await withoutIndexes(query, async () => {
    for (let first = 1; first <= count; first += placesAtOnce) {
      const last = Math.min(first + placesAtOnce - 1, count);
      await query(addPlaces, [first, last, count, now, days]);
    }
  });
  await query('analyze', []);
}

/** Indexes are made at the end, which takes half the time of changing them with each row. */
async function withoutIndexes(query: Query, work: () => Promise<void>): Promise<void> {
  const indexes = (await query(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
     where indrelid in ('media'::regclass, 'message'::regclass) and not indisunique`,
    [],
  )) as readonly { readonly name: string; readonly definition: string }[];
  for (const { name } of indexes) await query(`drop index ${name}`, []);
  await work();
  for (const { definition } of indexes) await query(definition, []);
}

/** A UUIDv7 for the row of this place in the table. */
const idOf = (table: string): string =>
  `(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7000' || '8' || substr(md5('${table}' || place), 1, 15))::uuid`;

const addPlaces = `
  with made as materialized (
    select *, case when state <> 'ready' then null when place % 100 = 0 then '${landmarks.sharedFile}'
                   else md5(place::text) || md5('file' || place) end as sha256
    from (
      select place, date_trunc('milliseconds', $4::timestamptz - ($3::bigint - place) * ($5 * interval '1 day' / $3)) as at,
        ('{z-api,blip,vonage,aisoule,sobot}'::text[])[1 + place % 5] as channel,
        case when place % 1000 = 7 then 'sticker' when place % 25 = 3 then 'document' when place % 20 = 4 then 'audio'
             when place % 10 = 6 then 'video' else 'image' end as kind,
        case when place % 11 = 5 then 'outbound' else 'inbound' end as direction,
        case when place % 300 = 1 then 'failed' when place % 700 = 2 then 'rejected' when place > $3 - 20 then 'pending'
             else 'ready' end as state,
        case when place % 10 = 0 then '${landmarks.busyPerson}'
             else '55119' || lpad((place * 7919 % ($3 / 20 + 1))::text, 8, '0') end as sender,
        case when place % 9 = 0 then '120363' || lpad((place / 9 % 500)::text, 12, '0') || '-group' end as chat,
        case when place % 2000 = 1 then '${landmarks.rareTag}' when place % 50 = 0 then '${landmarks.tag}' end as tag,
        case when place % 3 = 0 then 'order ' || place || case when place % 30 = 0 then ' broken part' else ' thanks' end
             || case when place % 6000 = 0 then ' zebra' else '' end end as caption
      from generate_series($1::bigint, $2::bigint) as place
    ) as place
  ), new_message as (
    insert into message (id, channel, provider, message_id, direction, sender, recipient, chat, sender_name, chat_name, caption, sent_at, received_at)
    select ${idOf('message')}, channel, channel, '3EB0' || lpad(place::text, 16, '0'), direction, sender, '5511888880000', chat,
           'Ana', 'Station ' || place / 9 % 500, caption, at, at from made
  ), new_blob as (
    insert into blob (sha256, type, bytes, width, height, thumbhash, previews)
    select distinct on (sha256) sha256, 'image/jpeg', 100000 + place % 1000, 1600, 1200, 'thumbhash',
           '[{"size":"small","type":"image/webp","width":320,"height":240},{"size":"large","type":"image/jpeg","width":1280,"height":960}]'::jsonb
    from made where sha256 is not null on conflict do nothing
  ), new_tag as (
    insert into media_tag (key, media_id, channel, tag)
    select search_text(tag), ${idOf('media')}, channel, tag from made where tag is not null
  ), new_fact as (
    insert into media_fact (media_id, source, type, value, text, actor, recorded_at)
    select ${idOf('media')}, 'ocr', 'text', to_jsonb('receipt'::text), 'receipt ' || place || case when place % 4000 = 0 then ' giraffe' else '' end,
           'bench', at
    from made where place % 40 = 0
  )
  insert into media (id, channel, provider, message_row_id, position, direction, kind, state, source_url, attempts,
                     next_attempt_at, received_at, ready_at, sha256, person, conversation, tags, resolved_at)
  select ${idOf('media')}, channel, channel, ${idOf('message')}, 0, direction, kind, state, 'https://media.example/' || place, 1,
         case when state = 'pending' then at + interval '10 days' end, at,
         case when state = 'ready' then at + (1 + place % 7) * interval '700 ms' end, sha256, sender, chat,
         case when tag is not null then array[tag] end, case when place % 200 = 1 then at end
  from made`;
