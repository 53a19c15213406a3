import { describe, expect, it } from 'vitest';
import type { Installation } from '../../api/types';
import { offersOf, planFilterOf } from './offers';

const row = (id: string, allowed: boolean) =>
  ({
    id,
    actions: [{ action: 'renew', allowed, reason: allowed ? null : 'signed by a CA' }],
  }) as never as Installation;

describe('offersOf', () => {
  it('names those that can, and why none can', () => {
    expect(offersOf([row('a', true), row('b', false)])[0]).toMatchObject({ action: 'renew', ids: ['a'] });
    expect(offersOf([row('b', false)])[0]).toEqual({ action: 'renew', ids: [], reason: 'signed by a CA' });
  });
});

describe('planFilterOf', () => {
  const now = Date.parse('2027-01-01T00:00:00Z');

  it('means the same as the list', () => {
    expect(planFilterOf({ status: ['expired'] }, { clusterId: 'c' }, now)).toEqual({
      cluster_ids: ['c'],
      product: null,
      purpose: null,
      not_after_before: '2027-01-01T00:00:00.000Z',
    });
    expect(
      planFilterOf(
        { kind: 'identity', product: ['cucm'], certificate: ['tomcat'] },
        { alerts: { days: 30 } },
        now,
      ),
    ).toEqual({
      cluster_ids: [],
      product: 'cucm',
      purpose: 'tomcat',
      not_after_before: '2027-01-31T00:00:00.000Z',
    });
  });

  it.each([
    [{ search: 'a' }, { clusterId: 'c' }],
    [{ status: ['expiring'] }, { clusterId: 'c' }],
    [{ status: ['valid'] }, { clusterId: 'c' }],
    [{}, { alerts: { days: 30 } }],
    [{ kind: 'trust' }, { alerts: { days: 30 } }],
    [{ kind: 'identity', product: ['cucm', 'imp'] }, { alerts: { days: 30 } }],
  ])('is none where a plan would mean more: %j', (filter, within) => {
    expect(planFilterOf(filter, within, now)).toBeNull();
  });
});
