// Apart from the arithmetic: the thread that makes the sound needs no schemas.
import { z } from 'zod';

export const mediaTimeSchema = z.number().int().nonnegative().brand<'MediaTime'>();
