/** What the status says that runs here. */
export const VERSION = '0.1.0';
