import { useState, type FocusEvent, type KeyboardEvent } from 'react';

interface Box {
  left: number;
  top: number;
}

/** Which of these boxes lies next to the one at `at` in the direction of a key; -1: none. Rows may be of any length. */
export function nextBox(boxes: Box[], at: number, key: string): number {
  const from = boxes[at];
  if (from === undefined) return -1;
  switch (key) {
    case 'ArrowRight':
      return at + 1 < boxes.length ? at + 1 : -1;
    case 'ArrowLeft':
      return at - 1;
    case 'Home':
      return 0;
    case 'End':
      return boxes.length - 1;
    case 'ArrowDown':
    case 'ArrowUp': {
      const sign = key === 'ArrowDown' ? 1 : -1;
      let best = -1;
      let least = Infinity;
      boxes.forEach((box, index) => {
        const away = (box.top - from.top) * sign;
        if (away <= 1) return;
        // The nearest row first, in it the nearest column.
        const distance = away * 10_000 + Math.abs(box.left - from.left);
        if (distance >= least) return;
        least = distance;
        best = index;
      });
      return best;
    }
    default:
      return -1;
  }
}

/** One stop for Tab among many squares; the arrow keys go from one to the next. The squares carry `data-square`. */
export function useRoving(first: string | undefined) {
  const [last, setLast] = useState<string | undefined>(undefined);
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const squares = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-square]')];
    const at = squares.findIndex((square) => square === event.target);
    if (at < 0) return;
    const boxes = squares.map((square) => square.getBoundingClientRect());
    const next = squares[nextBox(boxes, at, event.key)];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };
  const onFocus = ({ target }: FocusEvent<HTMLElement>) => {
    if (target.dataset.square !== undefined) setLast(target.dataset.square);
  };
  return { stop: last ?? first, rover: { onKeyDown, onFocus } };
}
