export type Route =
  | { readonly name: PlainName | 'not-found' }
  | { readonly name: 'calendar'; readonly isAdding: boolean }
  | { readonly name: 'broadcast' | 'device'; readonly id: string }
  | { readonly name: 'link'; readonly token: string };
export type RouteName = Route['name'];

type PlainName = 'today' | 'send' | 'speak' | 'devices' | 'add-device' | 'settings' | 'sign-in';
const plain: Readonly<Record<string, PlainName>> = {
  '/': 'today',
  '/phat-ngay': 'send',
  '/noi-truc-tiep': 'speak',
  '/loa': 'devices',
  '/loa/them': 'add-device',
  '/thiet-lap': 'settings',
  '/dang-nhap': 'sign-in',
};

/** Reads an address of the console. */
export function parseRoute(path: string, search: string): Route {
  const trimmed = path === '/' ? path : path.replace(/\/+$/, '');
  const query = new URLSearchParams(search);
  const name = plain[trimmed];
  if (name !== undefined) return { name };
  if (trimmed === '/lich') return { name: 'calendar', isAdding: query.has('them') };
  if (trimmed === '/vao') return { name: 'link', token: query.get('ma') ?? '' };
  const device = /^\/loa\/(d-[a-z2-7]{10})$/.exec(trimmed)?.[1];
  if (device !== undefined) return { name: 'device', id: device };
  const id = /^\/ban-tin\/([0-9a-f]{32})$/.exec(trimmed)?.[1];
  return id === undefined ? { name: 'not-found' } : { name: 'broadcast', id };
}

/** Where to go after signing in: only a page of ours, or a link could lead elsewhere. */
export function safeReturn(search: string): string {
  const to = new URLSearchParams(search).get('ve') ?? '/';
  return /^\/(?![/\\])/.test(to) && !to.startsWith('/dang-nhap') && !to.startsWith('/vao') ? to : '/';
}
