import { describe, expect, it } from 'vitest';
import { sameFields } from '../../lib/merge';
import { draftOf, EVERYWHERE, withinOf } from './draft';

describe('draftOf', () => {
  it('takes what is left out of a scope for everything', () => {
    expect(withinOf({})).toEqual(EVERYWHERE);
  });

  it('is the same in whatever order clusters were chosen', () => {
    const one = draftOf({ name: 'a', note: '', scope: { cluster_ids: ['2', '1'] } });
    const other = draftOf({ name: 'a', note: '', scope: { cluster_ids: ['1', '2'], group_ids: [] } });
    expect(sameFields(one, other)).toBe(true);
  });

  it('differs by the product alone', () => {
    const one = draftOf({ name: 'a', note: '', scope: {} });
    const other = draftOf({ name: 'a', note: '', scope: { product: 'cucm' } });
    expect(sameFields(one, other)).toBe(false);
  });
});
