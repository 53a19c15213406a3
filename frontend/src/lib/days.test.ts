import { describe, expect, it } from 'vitest';
import { addDays, addMonths, readDay, readMonth, weeksOf, localStartOfDay } from './days';

describe('days', () => {
  it('goes over the ends of months, years and leap days', () => {
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
    expect(addDays('2028-03-01', -1)).toBe('2028-02-29');
    expect(addMonths('2026-11', 2)).toBe('2027-01');
    expect(addMonths('2027-01', -1)).toBe('2026-12');
  });

  it('takes from an address what is a day, and nothing else', () => {
    expect(readDay('2027-01-31')).toBe('2027-01-31');
    for (const text of ['2027-02-31', '2027-1-1', 'now', '', undefined])
      expect(readDay(text)).toBeUndefined();
    expect(readMonth('2027-13')).toBeUndefined();
    expect(readMonth('2027-12')).toBe('2027-12');
  });

  it('shows a month in whole weeks from Monday on', () => {
    const weeks = weeksOf('2026-11');
    expect(weeks[0]?.[0]).toBe('2026-10-26');
    expect(weeks.at(-1)?.at(-1)).toBe('2026-12-06');
    expect(weeks.every((week) => week.length === 7)).toBe(true);
    expect(weeksOf('2027-02').length).toBe(4);
  });
});

describe('localStartOfDay', () => {
  it('is midnight of the reader, also where the clock was changed that day', () => {
    for (const day of ['2027-01-31', '2027-03-28', '2027-10-31']) {
      const start = new Date(localStartOfDay(day));
      expect([start.getHours(), start.getMinutes()]).toEqual([0, 0]);
      expect(start.getDate()).toBe(Number(day.slice(-2)));
    }
  });
});
