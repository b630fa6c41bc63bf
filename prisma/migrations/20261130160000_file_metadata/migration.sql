-- AlterTable
ALTER TABLE "blob" ADD COLUMN     "metadata" JSONB;
