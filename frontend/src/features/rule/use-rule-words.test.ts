import { describe, expect, it } from 'vitest';
import { few, weekdayName } from './use-rule-words';

describe('weekdayName', () => {
  it.each([
    [1, 'en', 'Monday'],
    [7, 'en', 'Sunday'],
    [3, 'sv', 'onsdag'],
  ])('of %d in %s is %s', (weekday, language, name) => {
    expect(weekdayName(weekday, language)).toBe(name);
  });
});

describe('few', () => {
  it('names the first values, and says how many there are beyond', () => {
    expect(few([])).toBe('');
    expect(few(['a', 'b'])).toBe('a, b');
    expect(few(['a', 'b', 'c', 'd'])).toBe('a, b +2');
  });
});
