-- AlterTable
ALTER TABLE "media" ADD COLUMN     "deleted_by_sender_at" TIMESTAMPTZ(3);
