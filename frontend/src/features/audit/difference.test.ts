import { describe, expect, it } from 'vitest';
import { valueText } from '../../lib/value-text';
import { changesOf } from './difference';

describe('changesOf', () => {
  it('names what differs, and nothing else', () => {
    const changes = changesOf(
      { name: 'a', kept: 1, list: [1, 2], deep: { x: 1, y: 2 } },
      { name: 'b', kept: 1, list: [1, 3], deep: { x: 1, y: 5 } },
    );
    expect(changes.map(({ field }) => field)).toEqual(['name', 'list', 'deep.y']);
    expect(changes[2]).toEqual({ field: 'deep.y', before: 2, after: 5 });
  });

  it('shows a new thing whole, and one that is gone', () => {
    expect(changesOf(null, { name: 'a' })).toEqual([{ field: 'name', before: undefined, after: 'a' }]);
    expect(changesOf({ name: 'a' }, undefined)).toEqual([{ field: 'name', before: 'a', after: undefined }]);
    expect(changesOf(null, null)).toEqual([]);
  });

  it('writes values in words', () => {
    expect(valueText(null)).toBe('–');
    expect(valueText(['a', 'b'])).toBe('a, b');
    expect(valueText(true)).toBe('true');
    expect(valueText([{ a: 1 }])).toBe('[{"a":1}]');
  });
});
