-- AlterTable
ALTER TABLE "notification" ADD COLUMN     "details" JSONB;

-- CreateTable
CREATE TABLE "alert" (
    "type" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "channel" TEXT,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "message" TEXT NOT NULL,

    CONSTRAINT "alert_pkey" PRIMARY KEY ("type","subject")
);

-- CreateTable
CREATE TABLE "process_report" (
    "type" TEXT NOT NULL,
    "reporter" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "message" TEXT NOT NULL,
    "reported_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "process_report_pkey" PRIMARY KEY ("type","reporter")
);
