import { parseRoute, type Route } from './route.ts';

/** Asked before a page is left; true: go. The page itself may go on later with `go`. */
export type Guard = (to: string) => boolean;

/** The address bar as state, on the History API. */
class Router {
  route = $state.raw<Route>(parseRoute(location.pathname, location.search));
  /** Grows with each page that is opened, so that the page can be announced. */
  visits = $state(0);
  #here = location.pathname + location.search + location.hash;
  #guard: Guard | null = null;

  /** Takes over links to our own pages. Returns what gives them back. */
  start(): () => void {
    document.addEventListener('click', this.#onClick);
    window.addEventListener('popstate', this.#onPopState);
    return () => {
      document.removeEventListener('click', this.#onClick);
      window.removeEventListener('popstate', this.#onPopState);
    };
  }

  /** Opens a page. */
  go(to: string, options: { isReplacing?: boolean } = {}): void {
    if (this.#guard !== null && !this.#guard(to)) return;
    if (options.isReplacing === true) history.replaceState(null, '', to);
    else history.pushState(null, '', to);
    this.#arrive();
  }

  /** Sets who is asked before this page is left; returns what takes that back. */
  guard(guard: Guard): () => void {
    this.#guard = guard;
    return () => {
      if (this.#guard === guard) this.#guard = null;
    };
  }

  #arrive(): void {
    const { pathname, search, hash } = location;
    const isSamePage = this.#here.split('#')[0] === pathname + search;
    this.#here = pathname + search + hash;
    this.route = parseRoute(pathname, search);
    if (!isSamePage) {
      this.visits += 1;
      window.scrollTo(0, 0);
    }
  }

  readonly #onClick = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (
      link === null ||
      link.origin !== location.origin ||
      link.target !== '' ||
      link.hasAttribute('download')
    ) {
      return;
    }
    const isAnchor = link.pathname + link.search === location.pathname + location.search && link.hash !== '';
    if (isAnchor) return;
    event.preventDefault();
    this.go(link.pathname + link.search + link.hash);
  };

  readonly #onPopState = (): void => {
    const to = location.pathname + location.search + location.hash;
    if (this.#guard !== null && !this.#guard(to)) {
      history.pushState(null, '', this.#here);
      return;
    }
    this.#arrive();
  };
}

export const router = new Router();
