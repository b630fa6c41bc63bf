-- An erasure finds the events of its media and messages by these. Without them, each batch of retention read every event.
CREATE INDEX "notification_media" ON "notification"("media_id") WHERE "media_id" IS NOT NULL;
CREATE INDEX "notification_message" ON "notification"("channel", "message_id") WHERE "message_id" IS NOT NULL;
