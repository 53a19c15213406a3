import { describe, expect, it } from 'vitest';
import { conflictsOf, mergeFields, sameFields } from './merge';

const base = { name: 'a', days: 30, list: ['x'] };

describe('two edits at once', () => {
  it('keep what each of them changed', () => {
    expect(mergeFields(base, { ...base, days: 60 }, { ...base, name: 'b' })).toEqual({
      name: 'b',
      days: 60,
      list: ['x'],
    });
  });

  it('differ where both changed the same, and mine is what was typed in', () => {
    const [mine, theirs] = [
      { ...base, list: ['y'] },
      { ...base, list: ['z'], name: 'b' },
    ];
    expect(conflictsOf(base, mine, theirs)).toEqual([{ field: 'list', theirs: ['z'], mine: ['y'] }]);
    expect(mergeFields(base, mine, theirs).list).toEqual(['y']);
  });

  it('take away what was taken away here', () => {
    const was: Record<string, unknown> = { a: 1, b: 2 };
    expect(mergeFields(was, { a: 1 }, { a: 1, b: 2, c: 3 })).toEqual({ a: 1, c: 3 });
  });

  it('are the same whatever the order of their fields', () => {
    expect(sameFields({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
    expect(sameFields({ a: 1 }, { a: 1, b: 2 })).toBe(false);
  });
});
