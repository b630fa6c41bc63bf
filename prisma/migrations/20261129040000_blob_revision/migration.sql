-- Which files of a blob somebody has seen (column blob.revision).
CREATE SEQUENCE "blob_revision";

-- AlterTable
ALTER TABLE "blob" ADD COLUMN     "revision" BIGINT NOT NULL DEFAULT 0;
