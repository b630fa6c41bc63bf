-- CreateTable
CREATE TABLE "media_fact" (
    "media_id" UUID NOT NULL,
    "source" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "language" TEXT,
    "confidence" DOUBLE PRECISION,
    "text" TEXT,
    "actor" TEXT NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "media_fact_pkey" PRIMARY KEY ("media_id","source","type")
);
