/** The search part of addresses: plain names and words, lists with commas, nothing that is empty. */

export type Search = Record<string, string | undefined>;

export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (typeof value === 'string' && value !== '') params.set(name, value);
  }
  const text = params.toString().replaceAll('%2C', ',').replaceAll('%2F', '/');
  return text === '' ? '' : `?${text}`;
}

/** Takes from an address what a page knows, and drops the rest. */
export function pick<K extends string>(...names: K[]) {
  return (search: Record<string, unknown>): { [Name in K]?: string } => {
    const known: { [Name in K]?: string } = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === 'string' && value !== '') known[name] = value;
    }
    return known;
  };
}

export function splitList(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((item) => item !== '');
}

export function joinList(items: string[]): string | undefined {
  return items.length === 0 ? undefined : items.join(',');
}

/** Where to go after sign-in: a path of this site, never another one. */
export function safeReturnPath(to: string | undefined): string {
  if (to === undefined || !to.startsWith('/') || to.startsWith('//') || to.startsWith('/\\')) return '/';
  return to;
}
