import { describe, expect, it } from 'vitest';
import { byWeek } from './weeks';

describe('byWeek', () => {
  it('has each day in the week that it lies in, and none twice', () => {
    const days = [
      { day: '2026-11-21', identity: 100, trust: 100 },
      { day: '2026-11-22', identity: 1, trust: 2 },
      { day: '2026-11-28', identity: 4, trust: 0 },
      { day: '2026-11-29', identity: 0, trust: 8 },
      { day: '2026-12-06', identity: 100, trust: 100 },
    ];
    expect(byWeek(days, '2026-11-22', 2)).toEqual([
      { from: '2026-11-22', until: '2026-11-29', identity: 5, trust: 2 },
      { from: '2026-11-29', until: '2026-12-06', identity: 0, trust: 8 },
    ]);
  });
});
