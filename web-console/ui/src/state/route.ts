export type Route =
  | { readonly name: 'today' | 'send' | 'speak' | 'devices' | 'settings' | 'sign-in' | 'not-found' }
  | { readonly name: 'calendar'; readonly isAdding: boolean }
  | { readonly name: 'broadcast'; readonly id: string }
  | { readonly name: 'link'; readonly token: string };
export type RouteName = Route['name'];

const plain: Readonly<Record<string, 'today' | 'send' | 'speak' | 'devices' | 'settings' | 'sign-in'>> = {
  '/': 'today',
  '/phat-ngay': 'send',
  '/noi-truc-tiep': 'speak',
  '/loa': 'devices',
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
  const id = /^\/ban-tin\/([0-9a-f]{32})$/.exec(trimmed)?.[1];
  return id === undefined ? { name: 'not-found' } : { name: 'broadcast', id };
}

/** Where to go after signing in: only a page of ours, or a link could lead elsewhere. */
export function safeReturn(search: string): string {
  const to = new URLSearchParams(search).get('ve') ?? '/';
  return /^\/(?![/\\])/.test(to) && !to.startsWith('/dang-nhap') && !to.startsWith('/vao') ? to : '/';
}
