-- CreateTable
CREATE TABLE "outbound" (
    "id" UUID NOT NULL,
    "place" BIGSERIAL NOT NULL,
    "channel" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "recipient" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "media_id" UUID,
    "link" TEXT,
    "type" TEXT,
    "bytes" BIGINT,
    "caption" TEXT,
    "filename" TEXT,
    "reply_to" TEXT,
    "options" JSONB NOT NULL,
    "state" TEXT NOT NULL,
    "message_id" TEXT,
    "error_code" TEXT,
    "error_message" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "not_before" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "sent_at" TIMESTAMPTZ(3),
    "erased_at" TIMESTAMPTZ(3),
    "actor" TEXT NOT NULL,
    "idempotency_key" TEXT,
    "request_hash" BYTEA,
    CONSTRAINT "outbound_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "send_pace" (
    "channel" TEXT NOT NULL,
    "booked_until" TIMESTAMPTZ(6) NOT NULL,
    "blocked_until" TIMESTAMPTZ(3),
    CONSTRAINT "send_pace_pkey" PRIMARY KEY ("channel")
);

-- CreateIndex
CREATE INDEX "outbound_channel_id_idx" ON "outbound"("channel", "id" DESC);

-- CreateIndex
CREATE INDEX "outbound_channel_recipient_state_place_idx" ON "outbound"("channel", "recipient", "state", "place");

-- CreateIndex
CREATE INDEX "outbound_channel_message_id_idx" ON "outbound"("channel", "message_id");

-- CreateIndex
CREATE INDEX "outbound_media_id_idx" ON "outbound"("media_id");

-- CreateIndex
CREATE UNIQUE INDEX "outbound_actor_idempotency_key_key" ON "outbound"("actor", "idempotency_key");

-- What is still to be sent, in its order.
CREATE INDEX "outbound_waiting" ON "outbound"("channel", "place") WHERE "state" IN ('queued', 'sending');
