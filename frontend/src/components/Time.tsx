import { Tooltip } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { exactUtc, relativeDays, relativeTime, shortDate, shortDateTime } from '../lib/time';

const TICK_MS = 15_000;
const listeners = new Set<() => void>();
let present = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    present = Date.now();
    listeners.forEach((wake) => wake());
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The present instant in ms; the page is drawn anew every 15 s, by one timer for all. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => present);
}

interface TimeProps {
  value: string;
  /** `relative`: "3 minutes ago"; `end`: in days under a year, "in 47 days"; `date` and `dateTime`: by the reader's clock. The exact time in UTC stands in the tooltip. */
  show?: 'relative' | 'end' | 'date' | 'dateTime';
  className?: string;
}

export function Time({ value, show = 'relative', className }: TimeProps) {
  const { i18n } = useTranslation();
  const now = useNow();
  const words = {
    relative: () => relativeTime(value, now, i18n.language),
    end: () => relativeDays(value, now, i18n.language),
    date: () => shortDate(value, i18n.language),
    dateTime: () => shortDateTime(value, i18n.language),
  }[show]();
  return (
    <Tooltip label={exactUtc(value)}>
      <time dateTime={value} className={className}>
        {words}
      </time>
    </Tooltip>
  );
}
