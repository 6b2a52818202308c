// In the source tree the thread's entry is TypeScript, and Node 20 does not take the process's loader along into a thread.
import { register } from 'tsx/esm/api';

register();
