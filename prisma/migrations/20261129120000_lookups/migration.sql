-- The person and the conversation of a media item are copied from its message, so that an index can list them in the order of media.
-- AlterTable
ALTER TABLE "media" ADD COLUMN     "conversation" TEXT,
ADD COLUMN     "person" TEXT;

-- The indexes that are replaced go first: the rows that are filled need no new entries in them.
-- DropIndex
DROP INDEX "media_channel_id_idx";

-- DropIndex
DROP INDEX "media_sha256_idx";

-- DropIndex
DROP INDEX "message_sender_id_idx";

UPDATE "media" SET "person" = nullif("message"."sender", ''), "conversation" = "message"."chat"
FROM "message"
WHERE "message"."id" = "media"."message_row_id" AND "media"."state" <> 'erased'
  AND ("message"."sender" <> '' OR "message"."chat" IS NOT NULL);

-- A process of an earlier version may run beside this one. It neither copies what it inserts nor clears what it erases.
CREATE FUNCTION "media_copy_person"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."state" = 'erased' THEN
    NEW."person" := NULL;
    NEW."conversation" := NULL;
  ELSE
    SELECT nullif("message"."sender", ''), "message"."chat" INTO NEW."person", NEW."conversation"
    FROM "message" WHERE "message"."id" = NEW."message_row_id";
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER "media_copy_person_of_new" BEFORE INSERT OR UPDATE OF "message_row_id" ON "media" FOR EACH ROW
WHEN (NEW."message_row_id" IS NOT NULL AND NEW."person" IS NULL AND NEW."conversation" IS NULL AND NEW."state" <> 'erased')
EXECUTE FUNCTION "media_copy_person"();

CREATE TRIGGER "media_copy_person_of_erased" BEFORE INSERT OR UPDATE OF "state" ON "media" FOR EACH ROW
WHEN (NEW."state" = 'erased' AND (NEW."person" IS NOT NULL OR NEW."conversation" IS NOT NULL))
EXECUTE FUNCTION "media_copy_person"();

-- Everything with few values stands before the id: whichever of it a filter names, its rows are found in their order.
-- CreateIndex
CREATE INDEX "media_provider_channel_kind_direction_state_id_idx" ON "media"("provider", "channel", "kind", "direction", "state", "id");

-- Partial indexes: media without a person, a conversation or a file, such as all that have just arrived, cost them nothing.
CREATE INDEX "media_of_person" ON "media"("person", "channel", "kind", "direction", "state", "id") WHERE "person" IS NOT NULL;
CREATE INDEX "media_of_conversation" ON "media"("conversation", "channel", "kind", "direction", "state", "id") WHERE "conversation" IS NOT NULL;
CREATE INDEX "media_of_blob" ON "media"("sha256", "id") WHERE "sha256" IS NOT NULL;

-- The moment in an id (UUIDv7), which is nearly always that of the receipt.
CREATE FUNCTION "moment_of_id"("id" uuid) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN to_timestamp(('x' || translate(left("id"::text, 13), '-', ''))::bit(48)::bigint / 1000.0);

-- The few media whose id was made long after or before their receipt, as by a replay: a range of ids does not find them.
CREATE INDEX "media_displaced" ON "media"("received_at")
WHERE ("received_at" - "moment_of_id"("id")) NOT BETWEEN interval '-5 seconds' AND interval '5 seconds';

-- Each media item that becomes ready leaves a dead entry among those that are pending, which lists walk over until it is removed.
ALTER TABLE "media" SET (autovacuum_vacuum_scale_factor = 0.02);

ANALYZE "media";
