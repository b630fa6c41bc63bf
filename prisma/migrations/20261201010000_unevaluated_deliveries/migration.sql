-- Leads to webhooks whose expression could not be evaluated when they arrived. There are few, and most of the time none.
CREATE INDEX "delivery_unevaluated" ON "delivery"("id") WHERE "outcome" = 'malformed' AND "reason" = 'not evaluated yet';
