-- CreateTable
CREATE TABLE "favourite" (
    "owner" UUID NOT NULL,
    "media_id" UUID NOT NULL,

    CONSTRAINT "favourite_pkey" PRIMARY KEY ("owner","media_id")
);

-- CreateIndex
CREATE INDEX "favourite_media_id_idx" ON "favourite"("media_id");
