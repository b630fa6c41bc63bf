-- AlterTable
ALTER TABLE "alert" ADD COLUMN     "id" UUID NOT NULL DEFAULT gen_random_uuid();

-- CreateIndex
CREATE UNIQUE INDEX "alert_id_key" ON "alert"("id");
