-- CreateTable
CREATE TABLE "share" (
    "id" UUID NOT NULL,
    "digest" BYTEA NOT NULL,
    "title" TEXT,
    "media_ids" UUID[],
    "channels" TEXT[],
    "password_hash" TEXT,
    "actor" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "views" INTEGER NOT NULL DEFAULT 0,
    "last_viewed_at" TIMESTAMPTZ(3),

    CONSTRAINT "share_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "share_digest_key" ON "share"("digest");

-- CreateIndex
CREATE INDEX "share_media_ids_idx" ON "share" USING GIN ("media_ids");
