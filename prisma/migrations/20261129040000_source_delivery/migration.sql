-- AlterTable
ALTER TABLE "media" ADD COLUMN     "source_delivery_id" UUID;
