-- Leads from a raw webhook to the media whose link it has replaced. Few media have one.
CREATE INDEX "media_source_delivery" ON "media"("source_delivery_id") WHERE "source_delivery_id" IS NOT NULL;
