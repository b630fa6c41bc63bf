-- CreateTable
CREATE TABLE "stats_change" (
    "id" BIGSERIAL NOT NULL,
    "day" DATE NOT NULL,
    "channel" TEXT NOT NULL,
    "kind" TEXT,
    "direction" TEXT,
    "state" TEXT,
    "minute" TIMESTAMPTZ(3),
    "milliseconds" BIGINT,
    "media" BIGINT NOT NULL DEFAULT 0,
    "bytes" BIGINT NOT NULL DEFAULT 0,
    "malformed" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "stats_change_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "stats_day" (
    "day" DATE NOT NULL,
    "channel" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "direction" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "media" BIGINT NOT NULL,
    "bytes" BIGINT NOT NULL,

    CONSTRAINT "stats_day_pkey" PRIMARY KEY ("day","channel","kind","direction","state")
);

-- CreateTable
CREATE TABLE "stats_pending" (
    "minute" TIMESTAMPTZ(3) NOT NULL,
    "channel" TEXT NOT NULL,
    "media" BIGINT NOT NULL,

    CONSTRAINT "stats_pending_pkey" PRIMARY KEY ("minute","channel")
);

-- CreateTable
CREATE TABLE "stats_duration" (
    "day" DATE NOT NULL,
    "channel" TEXT NOT NULL,
    "milliseconds" BIGINT NOT NULL,
    "media" BIGINT NOT NULL,

    CONSTRAINT "stats_duration_pkey" PRIMARY KEY ("day","channel","milliseconds")
);

-- CreateTable
CREATE TABLE "stats_median" (
    "day" DATE NOT NULL,
    "channel" TEXT NOT NULL,
    "milliseconds" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "stats_median_pkey" PRIMARY KEY ("day","channel")
);

-- CreateTable
CREATE TABLE "stats_malformed" (
    "day" DATE NOT NULL,
    "channel" TEXT NOT NULL,
    "deliveries" BIGINT NOT NULL,

    CONSTRAINT "stats_malformed_pkey" PRIMARY KEY ("day","channel")
);

-- A duration with two significant digits, so that there are few of them.
CREATE FUNCTION "stats_duration_of"("ready_at" timestamptz, "received_at" timestamptz) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
  exact bigint := greatest(extract(epoch FROM "ready_at" - "received_at") * 1000, 0);
  unit bigint := 1;
BEGIN
  WHILE exact >= unit * 100 LOOP unit := unit * 10; END LOOP;
  RETURN (exact + unit / 2) / unit * unit;
END $$;

-- Appends what a statement has changed. Nobody waits for a row that others change, so writers cannot block one another.
-- Scans are off, since these plans are kept for the life of a connection, during which the tables grow.
CREATE FUNCTION "stats_of_media"() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO "stats_change" ("day", "channel", "kind", "direction", "state", "minute", "milliseconds", "media", "bytes")
    SELECT ("received_at" AT TIME ZONE 'UTC')::date, "channel", "kind", "direction", "state",
           CASE WHEN "state" = 'pending' THEN date_trunc('minute', "received_at", 'UTC') END,
           CASE WHEN "message_row_id" IS NOT NULL THEN "stats_duration_of"("ready_at", "received_at") END,
           count(*),
           sum(CASE WHEN "sha256" IS NULL THEN 0 ELSE coalesce((SELECT "bytes" FROM "blob" WHERE "blob"."sha256" = "row"."sha256"), 0) END)
    FROM "new_rows" AS "row"
    GROUP BY 1, 2, 3, 4, 5, 6, 7;
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO "stats_change" ("day", "channel", "kind", "direction", "state", "minute", "milliseconds", "media", "bytes")
    SELECT ("received_at" AT TIME ZONE 'UTC')::date, "channel", "kind", "direction", "state",
           CASE WHEN "state" = 'pending' THEN date_trunc('minute', "received_at", 'UTC') END,
           CASE WHEN "message_row_id" IS NOT NULL THEN "stats_duration_of"("ready_at", "received_at") END,
           sum("sign"),
           sum("sign" * CASE WHEN "sha256" IS NULL THEN 0 ELSE coalesce((SELECT "bytes" FROM "blob" WHERE "blob"."sha256" = "row"."sha256"), 0) END)
    FROM (SELECT -1 AS "sign", * FROM "old_rows" UNION ALL SELECT 1, * FROM "new_rows") AS "row"
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    HAVING sum("sign") <> 0
        OR sum("sign" * CASE WHEN "sha256" IS NULL THEN 0 ELSE coalesce((SELECT "bytes" FROM "blob" WHERE "blob"."sha256" = "row"."sha256"), 0) END) <> 0;
  ELSE
    INSERT INTO "stats_change" ("day", "channel", "kind", "direction", "state", "minute", "milliseconds", "media", "bytes")
    SELECT ("received_at" AT TIME ZONE 'UTC')::date, "channel", "kind", "direction", "state",
           CASE WHEN "state" = 'pending' THEN date_trunc('minute', "received_at", 'UTC') END,
           CASE WHEN "message_row_id" IS NOT NULL THEN "stats_duration_of"("ready_at", "received_at") END,
           -count(*),
           -sum(CASE WHEN "sha256" IS NULL THEN 0 ELSE coalesce((SELECT "bytes" FROM "blob" WHERE "blob"."sha256" = "row"."sha256"), 0) END)
    FROM "old_rows" AS "row"
    GROUP BY 1, 2, 3, 4, 5, 6, 7;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER "stats_of_new_media" AFTER INSERT ON "media"
REFERENCING NEW TABLE AS "new_rows" FOR EACH STATEMENT EXECUTE FUNCTION "stats_of_media"();

CREATE TRIGGER "stats_of_changed_media" AFTER UPDATE ON "media"
REFERENCING OLD TABLE AS "old_rows" NEW TABLE AS "new_rows" FOR EACH STATEMENT EXECUTE FUNCTION "stats_of_media"();

CREATE TRIGGER "stats_of_deleted_media" AFTER DELETE ON "media"
REFERENCING OLD TABLE AS "old_rows" FOR EACH STATEMENT EXECUTE FUNCTION "stats_of_media"();

-- Webhooks that were not understood are rare: the others pay for the condition only.
CREATE FUNCTION "stats_of_delivery"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD."outcome" = 'malformed' THEN
    INSERT INTO "stats_change" ("day", "channel", "malformed")
    VALUES ((OLD."received_at" AT TIME ZONE 'UTC')::date, OLD."channel", -1);
  END IF;
  IF TG_OP <> 'DELETE' AND NEW."outcome" = 'malformed' THEN
    INSERT INTO "stats_change" ("day", "channel", "malformed")
    VALUES ((NEW."received_at" AT TIME ZONE 'UTC')::date, NEW."channel", 1);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER "stats_of_new_delivery" AFTER INSERT ON "delivery"
FOR EACH ROW WHEN (NEW."outcome" = 'malformed') EXECUTE FUNCTION "stats_of_delivery"();

CREATE TRIGGER "stats_of_changed_delivery" AFTER UPDATE OF "outcome" ON "delivery"
FOR EACH ROW WHEN (NEW."outcome" <> OLD."outcome") EXECUTE FUNCTION "stats_of_delivery"();

CREATE TRIGGER "stats_of_deleted_delivery" AFTER DELETE ON "delivery"
FOR EACH ROW WHEN (OLD."outcome" = 'malformed') EXECUTE FUNCTION "stats_of_delivery"();

-- The median of a histogram, between the two middle durations if their number is even.
CREATE FUNCTION "stats_median_of"("durations" bigint[], "counts" bigint[]) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  WITH "run" AS (
    SELECT "duration", sum("count") OVER (ORDER BY "duration") AS "upto", sum("count") OVER () AS "total"
    FROM (SELECT "duration", sum("count") AS "count" FROM unnest("durations", "counts") AS "one" ("duration", "count")
          GROUP BY 1 HAVING sum("count") > 0) AS "sums"
  )
  SELECT (min("duration") FILTER (WHERE "upto" * 2 >= "total") + min("duration") FILTER (WHERE "upto" * 2 > "total")) / 2.0 FROM "run"
$$;

-- Counts everything anew: in a database that has no sums yet, or whose rows were changed while triggers were off.
CREATE FUNCTION "stats_recount"() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE "media", "delivery" IN SHARE MODE;
  TRUNCATE "stats_change", "stats_day", "stats_pending", "stats_duration", "stats_median", "stats_malformed";
  INSERT INTO "stats_day" ("day", "channel", "kind", "direction", "state", "media", "bytes")
  SELECT ("media"."received_at" AT TIME ZONE 'UTC')::date, "channel", "kind", "direction", "state", count(*), coalesce(sum("bytes"), 0)
  FROM "media" LEFT JOIN "blob" ON "blob"."sha256" = "media"."sha256"
  GROUP BY 1, 2, 3, 4, 5;
  INSERT INTO "stats_pending" ("minute", "channel", "media")
  SELECT date_trunc('minute', "received_at", 'UTC'), "channel", count(*) FROM "media" WHERE "state" = 'pending' GROUP BY 1, 2;
  INSERT INTO "stats_duration" ("day", "channel", "milliseconds", "media")
  SELECT ("received_at" AT TIME ZONE 'UTC')::date, "channel", "stats_duration_of"("ready_at", "received_at"), count(*)
  FROM "media" WHERE "ready_at" IS NOT NULL AND "message_row_id" IS NOT NULL
  GROUP BY 1, 2, 3;
  INSERT INTO "stats_median" ("day", "channel", "milliseconds")
  SELECT "day", "channel", "stats_median_of"(array_agg("milliseconds"), array_agg("media")) FROM "stats_duration" GROUP BY 1, 2;
  INSERT INTO "stats_malformed" ("day", "channel", "deliveries")
  SELECT ("received_at" AT TIME ZONE 'UTC')::date, "channel", count(*) FROM "delivery" WHERE "outcome" = 'malformed' GROUP BY 1, 2;
END $$;

SELECT "stats_recount"();
