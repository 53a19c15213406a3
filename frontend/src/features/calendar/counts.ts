import type { ExpiryDay, StoreKind } from '../../api/types';

/** How many certificates of a kind end on a day; both kinds where none is chosen. */
export function endsOn(day: ExpiryDay | undefined, kind: StoreKind | undefined): number {
  if (day === undefined) return 0;
  if (kind === undefined) return day.identity + day.trust;
  return day[kind];
}

/** How dark a count is drawn, 0 to 4, beside the most of all. By the square root, or one wave would fade all else. */
export function shadeOf(count: number, most: number): number {
  if (count === 0 || most === 0) return 0;
  return Math.max(1, Math.ceil(Math.sqrt(count / most) * 4));
}
