CREATE TABLE "audio" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"title" text NOT NULL,
	"sha256" text NOT NULL,
	"bytes" integer NOT NULL,
	"duration_ms" integer NOT NULL,
	"original_lufs" double precision,
	"peaks" jsonb NOT NULL,
	"created_at" bigint NOT NULL,
	"created_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "broadcast_devices" (
	"broadcast_id" text NOT NULL,
	"device_id" text NOT NULL,
	"cached_at" bigint,
	"stopped_at" bigint,
	CONSTRAINT "broadcast_devices_broadcast_id_device_id_pk" PRIMARY KEY("broadcast_id","device_id")
);
--> statement-breakpoint
CREATE TABLE "broadcasts" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"title" text NOT NULL,
	"priority" text NOT NULL,
	"start_at" bigint NOT NULL,
	"end_at" bigint NOT NULL,
	"stopped_at" bigint,
	"audio_id" uuid,
	"unit_ids" jsonb NOT NULL,
	"created_at" bigint NOT NULL,
	"created_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "devices" (
	"id" text PRIMARY KEY NOT NULL,
	"unit_id" text NOT NULL,
	"number" integer NOT NULL,
	"name" text NOT NULL,
	"join_code" text,
	"public_key" text,
	"model" text,
	"joined_at" bigint,
	"volume" integer DEFAULT 100 NOT NULL,
	"is_muted" boolean DEFAULT false NOT NULL,
	"plan_n" integer DEFAULT 0 NOT NULL,
	"plan_jws" text,
	"plan_published_n" integer DEFAULT 0 NOT NULL,
	"now_n" integer DEFAULT 0 NOT NULL,
	"now_jws" text,
	"now_published_n" integer DEFAULT 0 NOT NULL,
	"last_seen_at" bigint,
	"status" jsonb,
	CONSTRAINT "devices_join_code_unique" UNIQUE("join_code"),
	CONSTRAINT "devices_unit_id_number_unique" UNIQUE("unit_id","number")
);
--> statement-breakpoint
CREATE TABLE "people" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"username" text NOT NULL,
	"name" text NOT NULL,
	"role" text NOT NULL,
	"unit_id" text NOT NULL,
	"password_hash" text,
	"created_at" bigint NOT NULL,
	"disabled_at" bigint,
	CONSTRAINT "people_username_unique" UNIQUE("username")
);
--> statement-breakpoint
CREATE TABLE "platform_state" (
	"key" text PRIMARY KEY NOT NULL,
	"value" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "proofs" (
	"device_id" text NOT NULL,
	"chain" text NOT NULL,
	"seq" integer NOT NULL,
	"broadcast_id" text NOT NULL,
	"jws" text NOT NULL,
	"body" jsonb NOT NULL,
	"received_at" bigint NOT NULL,
	CONSTRAINT "proofs_device_id_chain_seq_pk" PRIMARY KEY("device_id","chain","seq")
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"token_hash" text PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sign_in_links" (
	"token_hash" text PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"expires_at" bigint NOT NULL,
	"used_at" bigint
);
--> statement-breakpoint
CREATE TABLE "units" (
	"id" text PRIMARY KEY NOT NULL,
	"parent_id" text,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"position" integer DEFAULT 0 NOT NULL,
	"policy" jsonb
);
--> statement-breakpoint
ALTER TABLE "audio" ADD CONSTRAINT "audio_created_by_people_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "broadcast_devices" ADD CONSTRAINT "broadcast_devices_broadcast_id_broadcasts_id_fk" FOREIGN KEY ("broadcast_id") REFERENCES "public"."broadcasts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "broadcast_devices" ADD CONSTRAINT "broadcast_devices_device_id_devices_id_fk" FOREIGN KEY ("device_id") REFERENCES "public"."devices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "broadcasts" ADD CONSTRAINT "broadcasts_audio_id_audio_id_fk" FOREIGN KEY ("audio_id") REFERENCES "public"."audio"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "broadcasts" ADD CONSTRAINT "broadcasts_created_by_people_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "devices" ADD CONSTRAINT "devices_unit_id_units_id_fk" FOREIGN KEY ("unit_id") REFERENCES "public"."units"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "people" ADD CONSTRAINT "people_unit_id_units_id_fk" FOREIGN KEY ("unit_id") REFERENCES "public"."units"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "proofs" ADD CONSTRAINT "proofs_device_id_devices_id_fk" FOREIGN KEY ("device_id") REFERENCES "public"."devices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sign_in_links" ADD CONSTRAINT "sign_in_links_person_id_people_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "units" ADD CONSTRAINT "units_parent_id_units_id_fk" FOREIGN KEY ("parent_id") REFERENCES "public"."units"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "broadcast_devices_device_id_index" ON "broadcast_devices" USING btree ("device_id");--> statement-breakpoint
CREATE INDEX "broadcasts_end_at_index" ON "broadcasts" USING btree ("end_at");--> statement-breakpoint
CREATE INDEX "proofs_broadcast_id_index" ON "proofs" USING btree ("broadcast_id");