-- DropIndex
DROP INDEX "notification_delivery_subscription_id_settled_at_id_idx";

-- AlterTable
ALTER TABLE "notification_delivery" ADD COLUMN     "first_failed_at" TIMESTAMPTZ(3),
ADD COLUMN     "history" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "next_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
ADD COLUMN     "type" TEXT;

-- AlterTable
ALTER TABLE "subscription" ADD COLUMN     "paused_until" TIMESTAMPTZ(3),
ADD COLUMN     "pauses" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "previous_secret" BYTEA,
ADD COLUMN     "previous_until" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "event_horizon" (
    "id" INTEGER NOT NULL,
    "seq" BIGINT NOT NULL,

    CONSTRAINT "event_horizon_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "notification_delivery_subscription_id_settled_at_next_at_id_idx" ON "notification_delivery"("subscription_id", "settled_at", "next_at", "id");

-- CreateIndex
CREATE INDEX "notification_delivery_subscription_id_id_idx" ON "notification_delivery"("subscription_id", "id" DESC);
