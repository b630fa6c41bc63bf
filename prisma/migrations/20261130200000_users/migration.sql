-- AlterTable
ALTER TABLE "api_token" ADD COLUMN     "is_session" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "user_id" UUID;

-- CreateTable
CREATE TABLE "user_account" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "channels" TEXT[],
    "password_hash" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "disabled_at" TIMESTAMPTZ(3),
    "last_sign_in_at" TIMESTAMPTZ(3),
    "invitation_digest" BYTEA,
    "invitation_expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "user_account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sign_in_attempt" (
    "account" BYTEA NOT NULL,
    "booked_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sign_in_attempt_pkey" PRIMARY KEY ("account")
);

-- CreateIndex
CREATE UNIQUE INDEX "user_account_email_key" ON "user_account"("email");

-- CreateIndex
CREATE UNIQUE INDEX "user_account_invitation_digest_key" ON "user_account"("invitation_digest");

-- CreateIndex
CREATE INDEX "sign_in_attempt_booked_until_idx" ON "sign_in_attempt"("booked_until");

-- CreateIndex
CREATE INDEX "api_token_user_id_id_idx" ON "api_token"("user_id", "id" DESC);

-- CreateIndex
CREATE INDEX "api_token_is_session_expires_at_idx" ON "api_token"("is_session", "expires_at");
