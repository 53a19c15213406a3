import { describe, expect, it } from 'vitest';
import { slotDays } from './slots';

const settings = { start_days: 30, frequency_days: 7, repeat_expired_days: 7, repeat_expired_until_days: 21 };

describe('slotDays', () => {
  it('counts from the start to the end, and after it', () => {
    expect(slotDays(settings)).toEqual([-30, -23, -16, -9, -2, -1, 0, 7, 14, 21]);
  });

  it('tells of an expired certificate once where it is not repeated', () => {
    expect(slotDays({ ...settings, repeat_expired_days: 0 }).at(-1)).toBe(0);
  });

  it('ends also while a field is being typed in', () => {
    expect(slotDays({ ...settings, frequency_days: 0 })).toEqual([-1, 0, 7, 14, 21]);
  });
});
