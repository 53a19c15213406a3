import { describe, expect, it } from 'vitest';
import { colonHex, displayName, elapsedShare, levelOf, nameAttribute } from './certificate';

const now = Date.parse('2026-11-22T00:00:00Z');

describe('levelOf', () => {
  it.each([
    ['2026-11-22T00:00:00Z', 'expired'],
    ['2026-11-29T00:00:00Z', 'critical'],
    ['2026-11-29T00:00:01Z', 'warning'],
    ['2026-12-22T00:00:00Z', 'warning'],
    ['2027-02-20T00:00:00Z', 'notice'],
    ['2027-02-20T00:00:01Z', 'valid'],
  ])('calls the end %s %s', (end, level) => {
    expect(levelOf(end, now, 90)).toBe(level);
  });
});

describe('names', () => {
  it('reads an escaped comma', () => {
    expect(nameAttribute('CN=tomcat\\, old,O=Example', 'CN')).toBe('tomcat, old');
  });

  it('falls back to the organisation, then to the whole name', () => {
    expect(displayName('O=Example,C=SE')).toBe('Example');
    expect(displayName('C=SE')).toBe('C=SE');
  });
});

describe('figures', () => {
  it('puts colons between bytes', () => {
    expect(colonHex('abc')).toBe('0A:BC');
  });

  it('keeps the share of the validity between 0 and 1', () => {
    expect(elapsedShare('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z', now)).toBe(1);
    expect(elapsedShare('2027-01-01T00:00:00Z', '2027-02-01T00:00:00Z', now)).toBe(0);
  });
});
