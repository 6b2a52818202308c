export { openDatabase, type Database, type DatabaseOptions, type Db } from './open.ts';
export * as schema from './schema.ts';
