import { Skeleton } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ExpiryDay, StoreKind } from '../../api/types';
import { addMonths, startOfDay } from '../../lib/days';
import { endsOn, shadeOf } from './counts';

interface MonthStripProps {
  first: string;
  count: number;
  days: ExpiryDay[] | undefined;
  kind: StoreKind | undefined;
  month: string;
  onMonth: (month: string) => void;
}

/** A year by months: where the waves are. */
export function MonthStrip({ first, count, days, kind, month, onMonth }: MonthStripProps) {
  const { t, i18n } = useTranslation();
  const name = new Intl.DateTimeFormat(i18n.language, { month: 'short', year: '2-digit', timeZone: 'UTC' });
  const months = Array.from({ length: count }, (_, index) => {
    const id = addMonths(first, index);
    const ends = (days ?? []).filter(({ day }) => day.startsWith(id));
    return { id, ends: ends.reduce((sum, day) => sum + endsOn(day, kind), 0) };
  });
  const most = Math.max(...months.map(({ ends }) => ends));
  return (
    <section className="card calendar-card" aria-label={t('calendar.year')}>
      {days === undefined ? (
        <Skeleton height={220} radius="md" />
      ) : (
        <ul className="months">
          {months.map(({ id, ends }) => (
            <li key={id}>
              <button
                type="button"
                className={`month shade-${shadeOf(ends, most)}`}
                aria-pressed={id === month}
                onClick={() => onMonth(id)}
              >
                <span>{name.format(new Date(startOfDay(`${id}-01`)))}</span>
                <strong>
                  {ends}
                  <span className="visually-hidden"> {t('overview.certificates', { count: ends })}</span>
                </strong>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
