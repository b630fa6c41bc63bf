-- AlterTable
ALTER TABLE "blob" ADD COLUMN     "warnings" JSONB NOT NULL DEFAULT '[]';
