import { z } from 'zod';
import { lineSchema } from '../messages/ids.ts';

export const personRoleSchema = z.enum(['operator', 'administrator']);
export type PersonRole = z.infer<typeof personRoleSchema>;

export const usernameSchema = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9._-]{1,39}$/);
/** NIST SP 800-63B §3.1.1.2: length is what counts; no rules of composition. */
export const passwordSchema = z.string().min(10).max(200);

export const personSchema = z.object({
  id: z.string(),
  username: usernameSchema,
  name: z.string(),
  role: personRoleSchema,
  unit: z.object({ id: z.string(), name: z.string() }),
  hasPassword: z.boolean(),
});
export type Person = z.infer<typeof personSchema>;

export const signInSchema = z.object({ username: lineSchema(200), password: z.string().max(500) });
export const signInLinkSchema = z.object({ token: z.string().regex(/^[A-Za-z0-9_-]{20,100}$/) });
export const newPersonSchema = z.object({
  username: usernameSchema,
  name: lineSchema(100).min(1),
  role: personRoleSchema,
  unitId: z.string(),
  password: passwordSchema,
});
export type NewPerson = z.infer<typeof newPersonSchema>;
export const passwordChangeSchema = z.object({
  current: z.string().max(500).nullable(),
  next: passwordSchema,
});

export const unitKindSchema = z.enum(['province', 'district', 'town', 'commune', 'village', 'group']);
export type UnitKind = z.infer<typeof unitKindSchema>;
export const unitSchema = z.object({
  id: z.string(),
  parentId: z.string().nullable(),
  kind: unitKindSchema,
  name: z.string(),
  /** Receivers of the unit itself and of all below it. */
  deviceCount: z.number().int(),
});
export type Unit = z.infer<typeof unitSchema>;

/** The one shape of every error answer. */
export const errorAnswerSchema = z.object({
  error: z.object({ code: z.string(), vi: z.string(), en: z.string(), field: z.string().optional() }),
});
export type ErrorAnswer = z.infer<typeof errorAnswerSchema>;
