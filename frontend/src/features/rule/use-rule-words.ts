import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Pace } from './draft';

/** Name of a day of the week, 1 (Monday) to 7. */
export function weekdayName(weekday: number, language: string): string {
  const format = new Intl.DateTimeFormat(language, { weekday: 'long', timeZone: 'UTC' });
  // The first of January 2024 was a Monday.
  return format.format(new Date(Date.UTC(2024, 0, weekday)));
}

/** The first values of a list, and how many there are beyond. */
export function few(values: string[], most = 2): string {
  const beyond = values.length - most;
  return values.slice(0, most).join(', ') + (beyond > 0 ? ` +${beyond}` : '');
}

/** A threshold in words: `60 days before the end, then every 7 days`, `20% of the lifetime left, then every 5%`. */
export function useRuleWords() {
  const { t, i18n } = useTranslation();
  return useMemo(() => {
    const percent = (value: number) =>
      new Intl.NumberFormat(i18n.language, { style: 'percent' }).format(value / 100);
    const start = (pace: Pick<Pace, 'unit' | 'start'>) =>
      pace.unit === 'days'
        ? t('rules.start_days', { count: pace.start })
        : t('rules.start_percent', { percent: percent(pace.start) });
    const every = (pace: Pick<Pace, 'unit' | 'every' | 'weekday'>) => {
      if (pace.weekday !== null) return t('rules.weekly', { day: weekdayName(pace.weekday, i18n.language) });
      return pace.unit === 'days'
        ? t('rules.every_days', { count: pace.every })
        : t('rules.every_percent', { percent: percent(pace.every) });
    };
    return {
      weekday: (day: number) => weekdayName(day, i18n.language),
      pace: (pace: Pace) => `${start(pace)}, ${every(pace)}`,
      /** Days in words, as hours where they are few. */
      span: (days: number) =>
        new Intl.NumberFormat(i18n.language, {
          style: 'unit',
          unit: days < 2 ? 'hour' : 'day',
          unitDisplay: 'long',
          maximumFractionDigits: 1,
        }).format(days < 2 ? days * 24 : days),
    };
  }, [t, i18n.language]);
}
