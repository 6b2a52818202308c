CREATE TABLE "former_boards" (
	"key" text PRIMARY KEY NOT NULL,
	"device_id" text NOT NULL,
	"model" text,
	"serial" text,
	"reason" text NOT NULL,
	"ended_at" bigint NOT NULL,
	"ended_by" uuid NOT NULL,
	"wiped_at" bigint
);
--> statement-breakpoint
CREATE TABLE "waiting_boards" (
	"code" text PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"model" text NOT NULL,
	"serial" text,
	"address" text NOT NULL,
	"state" text NOT NULL,
	"heard_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "devices" DROP CONSTRAINT "devices_unit_id_number_unique";--> statement-breakpoint
ALTER TABLE "devices" ADD COLUMN "serial" text;--> statement-breakpoint
ALTER TABLE "devices" ADD COLUMN "retired_at" bigint;--> statement-breakpoint
ALTER TABLE "former_boards" ADD CONSTRAINT "former_boards_device_id_devices_id_fk" FOREIGN KEY ("device_id") REFERENCES "public"."devices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "former_boards" ADD CONSTRAINT "former_boards_ended_by_people_id_fk" FOREIGN KEY ("ended_by") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "devices_unit_id_number_index" ON "devices" USING btree ("unit_id","number") WHERE "devices"."retired_at" is null;