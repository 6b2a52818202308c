export { readClips, type ClipName, type Clips } from './clips.ts';
export { sayCode, type Word } from './sentences.ts';
export { isOwnVoice, Voice } from './voice.ts';
