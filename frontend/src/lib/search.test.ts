import { describe, expect, it } from 'vitest';
import { parseSearch, pick, safeReturnPath, stringifySearch } from './search';

describe('search part of an address', () => {
  it('comes back as it went', () => {
    const search = { q: 'a b&c', product: 'cucm,imp', cert: '7' };
    expect(parseSearch(stringifySearch(search))).toEqual(search);
  });

  it('leaves out what is empty', () => {
    expect(stringifySearch({ q: '', product: undefined })).toBe('');
  });

  it('drops what a page does not know', () => {
    expect(pick('q')({ q: 'x', other: 'y', cert: 3 })).toEqual({ q: 'x' });
  });
});

describe('safeReturnPath', () => {
  it.each([
    ['https://evil.example/'],
    ['//evil.example'],
    ['/\\evil.example'],
    ['javascript:alert(1)'],
    [undefined],
  ])('does not leave the site for %s', (to) => {
    expect(safeReturnPath(to)).toBe('/');
  });

  it('keeps a path with its view', () => {
    expect(safeReturnPath('/jobs/1?state=failed')).toBe('/jobs/1?state=failed');
  });
});
