-- CreateTable
CREATE TABLE "context" (
    "id" UUID NOT NULL,
    "channel" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "direction" TEXT NOT NULL,
    "person" TEXT,
    "chat" TEXT,
    "sender" TEXT,
    "name" TEXT,
    "text" TEXT,
    "latitude" DOUBLE PRECISION,
    "longitude" DOUBLE PRECISION,
    "sent_at" TIMESTAMPTZ(3),
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "erased_at" TIMESTAMPTZ(3),
    "is_provisional" BOOLEAN NOT NULL,
    "person_name" TEXT,
    "chat_name" TEXT,
    "person_alias" TEXT,

    CONSTRAINT "context_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "context_channel_message_id_key" ON "context"("channel", "message_id");

-- What was exchanged with a person or in a group, in order.
CREATE INDEX "context_of_person" ON "context"("person", "channel", "id") WHERE "person" IS NOT NULL;
CREATE INDEX "context_of_chat" ON "context"("chat", "channel", "id") WHERE "chat" IS NOT NULL;

-- What is kept only if a file arrives within minutes, until that is known.
CREATE INDEX "context_provisional" ON "context"("id") WHERE "is_provisional";

-- The first id of a moment.
CREATE FUNCTION "first_id_at"("moment" timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN (lpad(to_hex((extract(epoch FROM "moment") * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

CREATE FUNCTION "people_of_context"("of" "context", "sign" integer) RETURNS void LANGUAGE sql AS $$
  INSERT INTO "person_change" ("channel", "person", "kind", "first_id", "last_id", "name", "alias", "texts")
  SELECT "of"."channel", "who"."person", "who"."kind", "of"."id", "of"."id", "who"."name", "who"."alias", "sign"
  FROM (VALUES ("of"."person", 'person', "of"."person_name", "of"."person_alias"),
               (nullif("of"."chat", "of"."person"), 'group', "of"."chat_name", NULL)) AS "who" ("person", "kind", "name", "alias")
  WHERE "who"."person" NOT IN ('', 'unknown')
$$;

CREATE FUNCTION "people_of_new_context"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM "people_of_context"("row", 1) FROM "new_rows" AS "row" WHERE "row"."erased_at" IS NULL;
  RETURN NULL;
END $$;

CREATE FUNCTION "people_of_old_context"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM "people_of_context"(OLD, -1);
  RETURN NULL;
END $$;

CREATE TRIGGER "people_of_new_context" AFTER INSERT ON "context"
REFERENCING NEW TABLE AS "new_rows" FOR EACH STATEMENT EXECUTE FUNCTION "people_of_new_context"();

CREATE TRIGGER "people_of_erased_context" AFTER UPDATE OF "erased_at" ON "context" FOR EACH ROW
WHEN (OLD."erased_at" IS NULL AND NEW."erased_at" IS NOT NULL) EXECUTE FUNCTION "people_of_old_context"();

CREATE TRIGGER "people_of_deleted_context" AFTER DELETE ON "context" FOR EACH ROW
WHEN (OLD."erased_at" IS NULL) EXECUTE FUNCTION "people_of_old_context"();

-- Texts count as well.
CREATE OR REPLACE FUNCTION "people_recount"() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE "media", "context" IN SHARE MODE;
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
  PERFORM "people_of_context"("context", 1) FROM "context" WHERE "erased_at" IS NULL;
END $$;
