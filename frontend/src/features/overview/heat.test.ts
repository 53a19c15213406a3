import { describe, expect, it } from 'vitest';
import type { ClusterStatus } from '../../api/types';
import { heatOf } from './heat';

const counts = (expired: number, expiring: number, total: number) => ({
  expired,
  expiring,
  total,
  valid: total - expired - expiring,
});

function cluster(expired: number, expiring: number, total: number, status: ClusterStatus = 'ok') {
  return { identity: counts(0, 0, 0), trust: counts(expired, expiring, total), status };
}

describe('heatOf', () => {
  it('shows the worst', () => {
    expect(heatOf(cluster(1, 5, 10))).toBe('expired');
    expect(heatOf(cluster(0, 5, 10))).toBe('expiring');
    expect(heatOf(cluster(0, 0, 10))).toBe('valid');
    expect(heatOf(cluster(0, 0, 0))).toBe('unknown');
  });

  it('does not hide what is expired behind a node that does not answer', () => {
    expect(heatOf(cluster(1, 0, 10, 'unreachable'))).toBe('expired');
    expect(heatOf(cluster(0, 1, 10, 'unreachable'))).toBe('unreachable');
  });
});
