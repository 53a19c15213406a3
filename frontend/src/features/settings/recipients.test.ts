import { describe, expect, it } from 'vitest';
import { addAddresses, readAddresses } from './recipients';

describe('recipients', () => {
  it('are read from whatever is pasted', () => {
    expect(readAddresses('a@x.org, b@x.org;c@x.org\n d@x.org')).toEqual([
      'a@x.org',
      'b@x.org',
      'c@x.org',
      'd@x.org',
    ]);
    expect(readAddresses('Ada Lovelace <ada@x.org>, "Ops" <ops@x.org>')).toEqual(['ada@x.org', 'ops@x.org']);
    expect(readAddresses('  ')).toEqual([]);
  });

  it('keep what is no address, so that the server can say what is wrong with it', () => {
    expect(readAddresses('nobody')).toEqual(['nobody']);
  });

  it('stand once each', () => {
    expect(addAddresses(['a@x.org'], ['A@x.org', 'b@x.org', 'B@x.org'])).toEqual(['a@x.org', 'b@x.org']);
  });
});
