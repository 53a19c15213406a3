import { describe, expect, it } from 'vitest';
import { endsOn, shadeOf } from './counts';

describe('counts of the calendar', () => {
  it('counts what was chosen', () => {
    const day = { day: '2027-01-31', identity: 3, trust: 4 };
    expect(endsOn(day, undefined)).toBe(7);
    expect(endsOn(day, 'identity')).toBe(3);
    expect(endsOn(day, 'trust')).toBe(4);
    expect(endsOn(undefined, 'trust')).toBe(0);
  });

  it('draws one certificate beside a wave of a thousand, and nothing where there is none', () => {
    expect(shadeOf(1000, 1000)).toBe(4);
    expect(shadeOf(1, 1000)).toBe(1);
    expect(shadeOf(0, 1000)).toBe(0);
    expect(shadeOf(0, 0)).toBe(0);
  });
});
