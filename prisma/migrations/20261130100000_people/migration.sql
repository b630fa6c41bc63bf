-- A text as it is searched: without case and accents. Only functions of PostgreSQL itself are used, since a managed database may refuse
-- the extension unaccent. They need UTF-8; a database that knows no characters (SQL_ASCII) ignores the case of Latin letters only.
DO $$
BEGIN
  IF getdatabaseencoding() = 'UTF8' THEN
    EXECUTE $sql$
      CREATE FUNCTION "search_text"("text" text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
      RETURN CASE
        -- Nothing is to be decomposed in ASCII, which is cheap to know.
        WHEN octet_length("text") = length("text") THEN lower("text")
        ELSE lower(translate(regexp_replace(normalize("text", NFKD), U&'[\0300-\036F]', '', 'g'), 'ØøŁłĐđı', 'OoLlDdi'))
      END
    $sql$;
  ELSE
    EXECUTE $sql$
      CREATE FUNCTION "search_text"("text" text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN lower("text")
    $sql$;
  END IF;
END $$;

-- What LIKE compares with a text of search_text, to find a part of it.
CREATE FUNCTION "search_pattern"("part" text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '%' || regexp_replace("search_text"("part"), '([\\%_])', '\\\1', 'g') || '%';

-- By what a person is found: the names and the ids, of which each mobile number of Brazil is there with its ninth digit and without it
-- (eight digits that begin with 2 to 5 are a landline).
CREATE FUNCTION "person_search"("names" text[], "ids" text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN "search_text"(array_to_string("names", chr(10)) || chr(10) || (
  SELECT string_agg("id" || chr(10) || CASE
    WHEN "id" ~ '^55[1-9][0-9]9[016-9][0-9]{7}$' THEN left("id", 4) || right("id", 8)
    WHEN "id" ~ '^55[1-9][0-9][016-9][0-9]{7}$' THEN left("id", 4) || '9' || right("id", 8)
    ELSE '' END, chr(10))
  FROM unnest("ids") AS "id"));

-- AlterTable
ALTER TABLE "message" ADD COLUMN     "chat_name" TEXT,
ADD COLUMN     "person_alias" TEXT;

-- CreateTable
CREATE TABLE "person" (
    "channel" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "person" TEXT NOT NULL,
    "ids" TEXT[],
    "names" TEXT[],
    "search" TEXT NOT NULL DEFAULT '',
    "first_id" UUID NOT NULL,
    "last_id" UUID NOT NULL,
    "received" INTEGER NOT NULL,
    "sent" INTEGER NOT NULL,
    "texts" INTEGER NOT NULL,

    CONSTRAINT "person_pkey" PRIMARY KEY ("channel","key")
);

-- CreateTable
CREATE TABLE "person_id" (
    "channel" TEXT NOT NULL,
    "person" TEXT NOT NULL,
    "key" TEXT NOT NULL,

    CONSTRAINT "person_id_pkey" PRIMARY KEY ("channel","person")
);

-- CreateTable
CREATE TABLE "person_change" (
    "id" BIGSERIAL NOT NULL,
    "channel" TEXT NOT NULL,
    "person" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "first_id" UUID NOT NULL,
    "last_id" UUID NOT NULL,
    "message_row_id" UUID,
    "name" TEXT,
    "alias" TEXT,
    "received" INTEGER NOT NULL DEFAULT 0,
    "sent" INTEGER NOT NULL DEFAULT 0,
    "texts" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "person_change_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "person_key_idx" ON "person"("key");

-- CreateIndex
CREATE INDEX "person_kind_last_id_idx" ON "person"("kind", "last_id" DESC);

-- CreateIndex
CREATE INDEX "person_channel_kind_last_id_idx" ON "person"("channel", "kind", "last_id" DESC);

-- CreateIndex
CREATE INDEX "person_search_idx" ON "person" USING GIN ("search" gin_trgm_ops);

-- DropIndex
DROP INDEX "message_caption_idx";

-- Captions and names of files as they are searched. Most media have neither, and cost these nothing.
CREATE INDEX "message_caption_search" ON "message" USING GIN ("search_text"("caption") gin_trgm_ops) WHERE "caption" IS NOT NULL;
CREATE INDEX "media_filename_search" ON "media" USING GIN ("search_text"("filename") gin_trgm_ops) WHERE "filename" IS NOT NULL;

-- What was sent to a person. Received messages, which are most, cost it nothing.
CREATE INDEX "message_to_person" ON "message"("recipient", "channel", "id") WHERE "direction" = 'outbound' AND "recipient" IS NOT NULL;

-- With whom a media item was exchanged: the sender, or the recipient of one that was sent, and the group.
CREATE FUNCTION "person_change_of"("of" "media", "sign" integer) RETURNS void LANGUAGE sql SET enable_seqscan = off AS $$
  INSERT INTO "person_change" ("channel", "person", "kind", "first_id", "last_id", "message_row_id", "received", "sent")
  SELECT "of"."channel", "who"."person", "who"."kind", "of"."id", "of"."id", "of"."message_row_id",
         CASE WHEN "of"."direction" = 'inbound' THEN "sign" ELSE 0 END, CASE WHEN "of"."direction" = 'outbound' THEN "sign" ELSE 0 END
  FROM "message" CROSS JOIN LATERAL (VALUES
    (CASE WHEN "of"."direction" = 'inbound' THEN "message"."sender" ELSE "message"."recipient" END, 'person'),
    (nullif("message"."chat", CASE WHEN "of"."direction" = 'inbound' THEN "message"."sender" ELSE "message"."recipient" END), 'group')
  ) AS "who" ("person", "kind")
  WHERE "message"."id" = "of"."message_row_id" AND "who"."person" NOT IN ('', 'unknown')
$$;

-- Nobody waits for a row that others change, so writers cannot block one another: the changes are added to the sums later.
CREATE FUNCTION "people_of_new_media"() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  INSERT INTO "person_change" ("channel", "person", "kind", "first_id", "last_id", "message_row_id", "received", "sent")
  SELECT "row"."channel", "who"."person", "who"."kind", "row"."id", "row"."id", "row"."message_row_id",
         CASE WHEN "row"."direction" = 'inbound' THEN 1 ELSE 0 END, CASE WHEN "row"."direction" = 'outbound' THEN 1 ELSE 0 END
  FROM "new_rows" AS "row"
  -- A subquery looks up one row by its key, whatever the planner knows of the tables. A join may read all of "message".
  CROSS JOIN LATERAL (SELECT CASE WHEN "row"."direction" = 'inbound' THEN "row"."person"
                                  ELSE (SELECT "recipient" FROM "message" WHERE "id" = "row"."message_row_id") END) AS "other" ("person")
  CROSS JOIN LATERAL (VALUES ("other"."person", 'person'), (nullif("row"."conversation", "other"."person"), 'group'))
    AS "who" ("person", "kind")
  WHERE "row"."message_row_id" IS NOT NULL AND "row"."state" <> 'erased' AND "who"."person" NOT IN ('', 'unknown');
  RETURN NULL;
END $$;

CREATE FUNCTION "people_of_changed_media"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW."state" <> 'erased' THEN PERFORM "person_change_of"(NEW, 1);
  ELSE PERFORM "person_change_of"(OLD, -1);
  END IF;
  RETURN NULL;
END $$;

-- A webhook that reported a sent message may not have named the recipient.
CREATE FUNCTION "people_of_named_recipient"() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  INSERT INTO "person_change" ("channel", "person", "kind", "first_id", "last_id", "message_row_id", "sent")
  SELECT NEW."channel", NEW."recipient", 'person', "id", "id", NEW."id", 1
  FROM "media" WHERE "message_row_id" = NEW."id" AND "state" <> 'erased' AND NEW."recipient" IS DISTINCT FROM NEW."chat";
  RETURN NULL;
END $$;

CREATE TRIGGER "people_of_new_media" AFTER INSERT ON "media"
REFERENCING NEW TABLE AS "new_rows" FOR EACH STATEMENT EXECUTE FUNCTION "people_of_new_media"();

-- The message of an erased media item is erased after it.
CREATE TRIGGER "people_of_erased_media" AFTER UPDATE OF "state" ON "media" FOR EACH ROW
WHEN (NEW."state" = 'erased' AND OLD."state" <> 'erased' AND OLD."message_row_id" IS NOT NULL)
EXECUTE FUNCTION "people_of_changed_media"();

CREATE TRIGGER "people_of_sent_upload" AFTER UPDATE OF "message_row_id" ON "media" FOR EACH ROW
WHEN (NEW."state" <> 'erased' AND NEW."message_row_id" IS NOT NULL AND OLD."message_row_id" IS NULL)
EXECUTE FUNCTION "people_of_changed_media"();

CREATE TRIGGER "people_of_deleted_media" AFTER DELETE ON "media" FOR EACH ROW
WHEN (OLD."state" <> 'erased' AND OLD."message_row_id" IS NOT NULL)
EXECUTE FUNCTION "people_of_changed_media"();

CREATE TRIGGER "people_of_named_recipient" AFTER UPDATE OF "recipient" ON "message" FOR EACH ROW
WHEN (NEW."direction" = 'outbound' AND OLD."recipient" IS NULL AND NEW."recipient" IS NOT NULL AND OLD."erased_at" IS NULL)
EXECUTE FUNCTION "people_of_named_recipient"();

-- Counts everybody anew, in changes that are added to the sums soon: in a database that has no sums yet, or whose rows were changed while
-- triggers were off.
CREATE FUNCTION "people_recount"() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE "media" IN SHARE MODE;
  TRUNCATE "person", "person_id", "person_change";
  INSERT INTO "person_change" ("channel", "person", "kind", "first_id", "last_id", "message_row_id", "received", "sent")
  SELECT "media"."channel", "who"."person", "who"."kind", min("media"."id"::text)::uuid, max("media"."id"::text)::uuid,
         max("message"."id"::text)::uuid, count(*) FILTER (WHERE "media"."direction" = 'inbound'),
         count(*) FILTER (WHERE "media"."direction" = 'outbound')
  FROM "media" JOIN "message" ON "message"."id" = "media"."message_row_id"
  CROSS JOIN LATERAL (VALUES
    (CASE WHEN "media"."direction" = 'inbound' THEN "message"."sender" ELSE "message"."recipient" END, 'person'),
    (nullif("message"."chat", CASE WHEN "media"."direction" = 'inbound' THEN "message"."sender" ELSE "message"."recipient" END), 'group')
  ) AS "who" ("person", "kind")
  WHERE "media"."state" <> 'erased' AND "who"."person" NOT IN ('', 'unknown')
  GROUP BY 1, 2, 3;
END $$;

SELECT "people_recount"();

ANALYZE "message";
