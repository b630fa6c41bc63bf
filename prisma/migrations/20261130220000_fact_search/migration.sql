-- Facts are found by their words. They are folded when they are written and not when they are compared: a transcript may be long. A trigger
-- does it, because a process of an earlier version may run beside this one and write them as they are.
CREATE FUNCTION "media_fact_words"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."text" := "search_text"(NEW."text");
  RETURN NEW;
END $$;

CREATE TRIGGER "media_fact_words" BEFORE INSERT OR UPDATE OF "text" ON "media_fact" FOR EACH ROW
WHEN (NEW."text" IS NOT NULL) EXECUTE FUNCTION "media_fact_words"();

UPDATE "media_fact" SET "text" = "text" WHERE "text" IS NOT NULL;

-- CreateIndex
CREATE INDEX "media_fact_text_idx" ON "media_fact" USING GIN ("text" gin_trgm_ops);
