import { describe, expect, it } from 'vitest';
import { duration, exactUtc, monthRange, relativeDays, relativeTime } from './time';

const now = Date.parse('2026-11-22T12:00:00Z');

describe('relativeTime', () => {
  it.each([
    ['2026-11-22T12:00:20Z', 'now'],
    ['2026-11-22T11:57:00Z', '3 minutes ago'],
    ['2026-12-03T12:00:00Z', 'in 11 days'],
    ['2026-12-13T12:00:00Z', 'in 3 weeks'],
    ['2030-11-23T12:00:00Z', 'in 4 years'],
  ])('says of %s "%s"', (iso, words) => {
    expect(relativeTime(iso, now, 'en')).toBe(words);
  });

  it('speaks the language of the page', () => {
    expect(relativeTime('2026-11-22T11:57:00Z', now, 'sv')).toBe('för 3 minuter sedan');
  });
});

describe('relativeDays', () => {
  it.each([
    ['2026-11-22T12:05:00Z', 'in 5 minutes'],
    ['2027-01-08T12:00:00Z', 'in 47 days'],
    ['2027-10-22T12:00:00Z', 'in 334 days'],
    ['2026-11-21T11:00:00Z', 'yesterday'],
    ['2028-02-01T12:00:00Z', 'in 14 months'],
    ['2028-12-01T12:00:00Z', 'in 2 years'],
  ])('says of %s "%s"', (iso, words) => {
    expect(relativeDays(iso, now, 'en')).toBe(words);
  });
});

describe('exact times', () => {
  it('names UTC', () => {
    expect(exactUtc('2026-11-22T03:14:05+02:00')).toBe('2026-11-22 01:14:05 UTC');
  });

  it('says how long something took', () => {
    expect(duration('2026-11-22T00:00:00Z', '2026-11-22T00:02:10Z', 'en')).toBe('2 min 10 sec');
  });

  it('takes months over the end of a year', () => {
    expect(monthRange(now, 11)).toEqual({ from: '2025-12-01T00:00:00.000Z', to: '2026-01-01T00:00:00.000Z' });
  });
});
