-- Both columns in one direction, so that a comparison of rows leads to a place in the index whatever the planner knows of its values.
-- DropIndex
DROP INDEX "person_kind_last_id_idx";

-- DropIndex
DROP INDEX "person_channel_kind_last_id_idx";

-- CreateIndex
CREATE INDEX "person_kind_last_id_idx" ON "person"("kind", "last_id");

-- CreateIndex
CREATE INDEX "person_channel_kind_last_id_idx" ON "person"("channel", "kind", "last_id");
