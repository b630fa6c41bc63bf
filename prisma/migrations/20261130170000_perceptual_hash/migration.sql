-- AlterTable
ALTER TABLE "blob" ADD COLUMN     "perceptual_hash" BIGINT;

-- The quarters of the hash. No stored blob has one yet, so that the indexes are empty and made in one pass over the table.
CREATE INDEX "blob_perceptual_1" ON "blob"((("perceptual_hash" >> 48) & 65535)) WHERE "perceptual_hash" IS NOT NULL;
CREATE INDEX "blob_perceptual_2" ON "blob"((("perceptual_hash" >> 32) & 65535)) WHERE "perceptual_hash" IS NOT NULL;
CREATE INDEX "blob_perceptual_3" ON "blob"((("perceptual_hash" >> 16) & 65535)) WHERE "perceptual_hash" IS NOT NULL;
CREATE INDEX "blob_perceptual_4" ON "blob"(("perceptual_hash" & 65535)) WHERE "perceptual_hash" IS NOT NULL;
