import { describe, expect, it } from 'vitest';
import { nextBox } from './use-roving';

// Two rows of three, and below them a group of one.
const boxes = [0, 1, 2, 3, 4, 5].map((index) => ({
  left: (index % 3) * 20,
  top: Math.floor(index / 3) * 20,
}));
boxes.push({ left: 20, top: 100 });

describe('nextBox', () => {
  it.each([
    ['ArrowRight', 0, 1],
    ['ArrowRight', 2, 3],
    ['ArrowRight', 6, -1],
    ['ArrowLeft', 0, -1],
    ['ArrowDown', 1, 4],
    ['ArrowDown', 5, 6],
    ['ArrowUp', 6, 4],
    ['ArrowUp', 0, -1],
    ['Home', 5, 0],
    ['End', 0, 6],
    ['a', 0, -1],
  ])('%s from %i is %i', (key, from, to) => {
    expect(nextBox(boxes, from, key)).toBe(to);
  });
});
