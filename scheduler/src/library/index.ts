export { Library, type AudioRow, type LibraryOptions, type UploadMeta } from './library.ts';
export { defaultLimits, type IngestLimits } from './limits.ts';
export { defaultTools, type Tools } from './tools.ts';
