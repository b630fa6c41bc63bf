-- CreateTable
CREATE TABLE "legal_hold" (
    "id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "channel" TEXT,
    "subject" TEXT NOT NULL,
    "ids" TEXT[],
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "actor_name" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "legal_hold_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "legal_hold_ids_idx" ON "legal_hold" USING GIN ("ids");

-- AlterTable
ALTER TABLE "context" ADD COLUMN     "parked_by" UUID;

-- AlterTable
ALTER TABLE "delivery" ADD COLUMN     "parked_by" UUID;

-- AlterTable
ALTER TABLE "media" ADD COLUMN     "parked_by" UUID;

-- AlterTable
ALTER TABLE "outbound" ADD COLUMN     "parked_by" UUID;

-- What retention looks at, for each channel in its order: neither what is erased nor what a hold keeps.
CREATE INDEX "context_due" ON "context"("channel", "id") WHERE "parked_by" IS NULL;
CREATE INDEX "delivery_due" ON "delivery"("channel", "id") WHERE "parked_by" IS NULL;
CREATE INDEX "media_due" ON "media"("channel", "id") WHERE "parked_by" IS NULL AND "state" <> 'erased';
CREATE INDEX "outbound_due" ON "outbound"("channel", "id") WHERE "parked_by" IS NULL;

DROP INDEX "context_provisional";
CREATE INDEX "context_provisional" ON "context"("id") WHERE "is_provisional" AND "parked_by" IS NULL;

-- What waits for the end of a hold.
CREATE INDEX "context_parked" ON "context"("parked_by", "id") WHERE "parked_by" IS NOT NULL;
CREATE INDEX "delivery_parked" ON "delivery"("parked_by", "id") WHERE "parked_by" IS NOT NULL;
CREATE INDEX "media_parked" ON "media"("parked_by", "id") WHERE "parked_by" IS NOT NULL;
CREATE INDEX "outbound_parked" ON "outbound"("parked_by", "id") WHERE "parked_by" IS NOT NULL;

-- The holds on these people and chats of a channel, under all ids of each.
CREATE FUNCTION "holds_of_contacts"("of_channel" text, "contacts" text[]) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT "hold"."id" FROM "legal_hold" AS "hold"
  WHERE "hold"."type" IN ('person', 'chat') AND "hold"."channel" = "of_channel"
    AND "hold"."ids" && ("contacts" || ARRAY(
      SELECT unnest("person"."ids") FROM "person_id" AS "known"
      JOIN "person" ON "person"."channel" = "known"."channel" AND "person"."key" = "known"."key"
      WHERE "known"."channel" = "of_channel" AND "known"."person" = ANY("contacts")))
$$;

-- The holds on a media item: on itself, on one of its tags, and on a person or a chat of its message, or of the request to send it.
CREATE FUNCTION "holds_of_media"("of_id" uuid) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT "hold"."id" FROM "legal_hold" AS "hold" WHERE "hold"."type" = 'media' AND "hold"."ids" && ARRAY["of_id"::text]
  UNION
  SELECT "hold"."id" FROM "media_tag" JOIN "legal_hold" AS "hold"
    ON "hold"."type" = 'tag' AND "hold"."ids" && ARRAY["media_tag"."key"]
      AND ("hold"."channel" IS NULL OR "hold"."channel" = "media_tag"."channel")
  WHERE "media_tag"."media_id" = "of_id"
  UNION
  SELECT "of_contacts"."hold" FROM "media" JOIN "message" ON "message"."id" = "media"."message_row_id"
  CROSS JOIN LATERAL "holds_of_contacts"("message"."channel", ARRAY["message"."sender", "message"."recipient", "message"."chat"])
    AS "of_contacts" ("hold")
  WHERE "media"."id" = "of_id"
  UNION
  SELECT "of_contacts"."hold" FROM "outbound"
  CROSS JOIN LATERAL "holds_of_contacts"("outbound"."channel", ARRAY["outbound"."recipient"]) AS "of_contacts" ("hold")
  WHERE "outbound"."media_id" = "of_id"
$$;

-- The same as a condition, whose plan is kept by the connection: lists would otherwise plan it with each page.
CREATE FUNCTION "is_held"("of_id" uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM "holds_of_media"("of_id"));
END $$;
