import { expect, test } from 'vitest';
import { readSort } from './sort';

test('an address names an order or gets the one by end', () => {
  expect(readSort('common_name')).toBe('common_name');
  expect(readSort('not_after')).toBe('not_after');
  expect(readSort(undefined)).toBe('not_after');
  expect(readSort('subject; DROP')).toBe('not_after');
});
