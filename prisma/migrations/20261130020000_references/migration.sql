-- A file may be named by the provider's own id, which is resolved to a link for each attempt, and may have an identity of its own within
-- its message: an edit can put another file in the place of the first.
-- AlterTable
ALTER TABLE "media" ADD COLUMN     "file_key" TEXT,
ADD COLUMN     "source_reference" TEXT;

-- A process of an earlier version that runs beside this one cannot insert media without the old index: it stores webhooks in its spool.
CREATE UNIQUE INDEX "media_of_message" ON "media"("message_row_id", "kind", (coalesce("file_key", "position"::text)));

-- DropIndex
DROP INDEX "media_message_row_id_kind_position_key";
