import { describe, expect, it } from 'vitest';
import type { NotificationRule } from '../../api/types';
import { bodyOf, draftOf, EMPTY_DRAFT, listErrors, startInDays, type Pace } from './draft';

const percent: Pace = { unit: 'percent', start: 20, every: 5, weekday: null, empty: false };

describe('bodyOf', () => {
  it('names the threshold in the unit that was chosen, and no other', () => {
    const body = bodyOf({ ...EMPTY_DRAFT, pace: percent });
    expect(body).toMatchObject({ start_percent: 20, frequency_percent: 5, mode: 'immediate' });
    expect(body).not.toHaveProperty('start_days');
    expect(body).not.toHaveProperty('frequency_days');
  });

  it('leaves out the frequency of a digest, which comes once a week', () => {
    const body = bodyOf({ ...EMPTY_DRAFT, pace: { ...percent, weekday: 3, empty: true } });
    expect(body).toMatchObject({ mode: 'weekly_digest', digest_weekday: 3, digest_empty: true });
    expect(body).not.toHaveProperty('frequency_percent');
  });

  it('does not ask for empty digests where there is none', () => {
    expect(bodyOf({ ...EMPTY_DRAFT, pace: { ...percent, empty: true } }).digest_empty).toBe(false);
  });

  it('is what the rule says that it was made of', () => {
    const rule: NotificationRule = {
      id: 'r',
      name: 'Edge',
      enabled: true,
      scope: { ...EMPTY_DRAFT.scope, kind: 'identity', issuers: ["Let's Encrypt"] },
      start_percent: 20,
      frequency_percent: 5,
      mode: 'immediate',
      digest_empty: false,
      recipients: ['edge@example.org'],
      channels: [],
      instead_of_default: true,
      escalation: { after_days: 3, recipients: ['head@example.org'] },
      revision: 4,
      created_at: '2026-11-22T12:00:00Z',
      updated_at: '2026-11-22T12:00:00Z',
    };
    expect(bodyOf(draftOf(rule))).toEqual({
      name: 'Edge',
      enabled: true,
      scope: rule.scope,
      start_percent: 20,
      frequency_percent: 5,
      mode: 'immediate',
      digest_weekday: null,
      digest_empty: false,
      recipients: ['edge@example.org'],
      channels: [],
      instead_of_default: true,
      escalation: { after_days: 3, recipients: ['head@example.org'], channels: [] },
    });
  });
});

describe('startInDays', () => {
  it.each([
    [398, 79.6],
    [47, 9.4],
    [6, 1.2],
    [3650, 365],
  ])('of a lifetime of %d days is %d days', (lifetime, days) => {
    expect(startInDays(percent, lifetime)).toBeCloseTo(days);
  });
});

describe('listErrors', () => {
  const errors: Record<string, string> = { 'recipients[1]': 'no address', channels: 'too many' };
  const errorOf = (field: string) => errors[field];

  it('names the value at the place that the server names', () => {
    expect(listErrors(errorOf, 'recipients', ['a@example.org', 'nobody'])).toBe('nobody: no address');
    expect(listErrors(errorOf, 'channels', [])).toBe('too many');
    expect(listErrors(errorOf, 'scope.clusters', ['c'])).toBeUndefined();
  });
});
