-- AlterTable
ALTER TABLE "channel" ADD COLUMN     "delivery_days" INTEGER,
ADD COLUMN     "media_days" INTEGER;
