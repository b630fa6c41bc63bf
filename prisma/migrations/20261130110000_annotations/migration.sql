-- What people note about a media item. Most media have nothing of it, which costs them nothing.
-- AlterTable
ALTER TABLE "media" ADD COLUMN     "annotation_revision" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "note" TEXT,
ADD COLUMN     "resolved_at" TIMESTAMPTZ(3),
ADD COLUMN     "tags" TEXT[];

-- CreateTable
CREATE TABLE "media_tag" (
    "key" TEXT NOT NULL,
    "media_id" UUID NOT NULL,
    "channel" TEXT NOT NULL,
    "tag" TEXT NOT NULL,

    CONSTRAINT "media_tag_pkey" PRIMARY KEY ("key","media_id")
);

-- CreateIndex
CREATE INDEX "media_tag_media_id_idx" ON "media_tag"("media_id");

-- CreateIndex
CREATE INDEX "media_tag_channel_tag_idx" ON "media_tag"("channel", "tag");

-- CreateIndex
CREATE INDEX "media_tag_key_idx" ON "media_tag" USING GIN ("key" gin_trgm_ops);

-- Media that need no attention although they have failed: few, and counted by the time of their receipt.
CREATE INDEX "media_resolved" ON "media"("received_at", "channel", "state")
WHERE "resolved_at" IS NOT NULL AND "state" IN ('rejected', 'failed');

-- Tags and notes are erased with their media, also by a process of an earlier version; and what is downloaded again may need attention
-- again.
CREATE FUNCTION "media_annotations"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."state" = 'erased' THEN
    NEW."tags" := NULL;
    NEW."note" := NULL;
  ELSE
    NEW."resolved_at" := NULL;
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER "media_annotations_of_erased" BEFORE UPDATE OF "state" ON "media" FOR EACH ROW
WHEN (NEW."state" = 'erased' AND (NEW."tags" IS NOT NULL OR NEW."note" IS NOT NULL))
EXECUTE FUNCTION "media_annotations"();

CREATE TRIGGER "media_annotations_of_retried" BEFORE UPDATE OF "state" ON "media" FOR EACH ROW
WHEN (NEW."state" = 'pending' AND OLD."state" <> 'pending' AND NEW."resolved_at" IS NOT NULL)
EXECUTE FUNCTION "media_annotations"();

CREATE FUNCTION "media_tags"() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  DELETE FROM "media_tag" WHERE "media_id" = NEW."id";
  INSERT INTO "media_tag" ("key", "media_id", "channel", "tag")
  SELECT "search_text"("tag"), NEW."id", NEW."channel", "tag" FROM unnest(NEW."tags") AS "tag"
  ON CONFLICT ("key", "media_id") DO NOTHING;
  RETURN NULL;
END $$;

-- Every column, since the trigger above may change the tags.
CREATE TRIGGER "media_tags_of_changed" AFTER UPDATE ON "media" FOR EACH ROW
WHEN (OLD."tags" IS DISTINCT FROM NEW."tags") EXECUTE FUNCTION "media_tags"();
