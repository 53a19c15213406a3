import type { ExpiryDay } from '../../api/types';
import { addDays } from '../../lib/days';

export interface Week {
  /** First day, and the day after the last. */
  from: string;
  until: string;
  identity: number;
  trust: number;
}

/** Days with their counts as weeks from a day on. */
export function byWeek(days: ExpiryDay[], from: string, count: number): Week[] {
  return Array.from({ length: count }, (_, index) => {
    const start = addDays(from, 7 * index);
    const until = addDays(start, 7);
    const week = { from: start, until, identity: 0, trust: 0 };
    for (const { day, identity, trust } of days) {
      if (day < start || day >= until) continue;
      week.identity += identity;
      week.trust += trust;
    }
    return week;
  });
}
