-- AlterTable
ALTER TABLE "media" ADD COLUMN     "decodings" INTEGER NOT NULL DEFAULT 0;
