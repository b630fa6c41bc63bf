-- Blobs without a user, to be looked for every minute. There are few of them, and none for long.
CREATE INDEX "blob_orphaned" ON "blob"("orphaned_at") WHERE "orphaned_at" IS NOT NULL;
