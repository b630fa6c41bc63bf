-- Substring search in captions.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- CreateTable
CREATE TABLE "delivery" (
    "id" UUID NOT NULL,
    "channel" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "content_hash" BYTEA NOT NULL,
    "body" BYTEA NOT NULL,
    "headers" JSONB NOT NULL,
    "outcome" TEXT NOT NULL,
    "reason" TEXT,
    "received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "delivery_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "message" (
    "id" UUID NOT NULL,
    "channel" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "direction" TEXT NOT NULL,
    "sender" TEXT NOT NULL,
    "recipient" TEXT,
    "chat" TEXT,
    "sender_name" TEXT,
    "caption" TEXT,
    "sent_at" TIMESTAMPTZ(3),
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "delivery_id" UUID,

    CONSTRAINT "message_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "message_status" (
    "channel" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3),
    "error_code" TEXT,
    "error_message" TEXT,
    "received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "message_status_pkey" PRIMARY KEY ("channel","message_id","status")
);

-- CreateTable
CREATE TABLE "media" (
    "id" UUID NOT NULL,
    "channel" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "message_row_id" UUID,
    "position" INTEGER NOT NULL,
    "direction" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "source_url" TEXT,
    "source_expires_at" TIMESTAMPTZ(3),
    "source_credentials" BOOLEAN NOT NULL DEFAULT false,
    "declared_type" TEXT,
    "declared_sha256" TEXT,
    "filename" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3),
    "error_code" TEXT,
    "error_message" TEXT,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "ready_at" TIMESTAMPTZ(3),
    "sha256" TEXT,

    CONSTRAINT "media_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "blob" (
    "sha256" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "width" INTEGER,
    "height" INTEGER,
    "thumbhash" TEXT,
    "previews" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "blob_pkey" PRIMARY KEY ("sha256")
);

-- CreateIndex
CREATE INDEX "delivery_outcome_id_idx" ON "delivery"("outcome", "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "delivery_channel_content_hash_key" ON "delivery"("channel", "content_hash");

-- CreateIndex
CREATE INDEX "message_sender_id_idx" ON "message"("sender", "id" DESC);

-- CreateIndex
CREATE INDEX "message_caption_idx" ON "message" USING GIN ("caption" gin_trgm_ops);

-- CreateIndex
CREATE UNIQUE INDEX "message_channel_message_id_key" ON "message"("channel", "message_id");

-- CreateIndex
CREATE INDEX "media_channel_id_idx" ON "media"("channel", "id" DESC);

-- CreateIndex
CREATE INDEX "media_state_id_idx" ON "media"("state", "id" DESC);

-- CreateIndex
CREATE INDEX "media_sha256_idx" ON "media"("sha256");

-- CreateIndex
CREATE UNIQUE INDEX "media_message_row_id_kind_position_key" ON "media"("message_row_id", "kind", "position");
