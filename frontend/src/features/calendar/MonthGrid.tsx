import { ActionIcon, Button } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ExpiryDay, StoreKind } from '../../api/types';
import { addDays, addMonths, dayWords, startOfDay, weeksOf } from '../../lib/days';
import { endsOn, shadeOf } from './counts';

interface Range {
  from: string;
  until: string;
}

interface MonthGridProps {
  month: string;
  today: string;
  days: ExpiryDay[] | undefined;
  kind: StoreKind | undefined;
  /** The chosen days, where not the whole month is shown. */
  range: Range | undefined;
  onMonth: (month: string) => void;
  onRange: (range: Range) => void;
}

/** A month by days. A day on which something ends is a button that shows its certificates. */
export function MonthGrid({ month, today, days, kind, range, onMonth, onRange }: MonthGridProps) {
  const { t, i18n } = useTranslation();
  const counts = new Map((days ?? []).map((day) => [day.day, endsOn(day, kind)]));
  const weeks = weeksOf(month);
  const most = Math.max(0, ...weeks.flat().map((day) => counts.get(day) ?? 0));
  const title = new Intl.DateTimeFormat(i18n.language, { month: 'long', year: 'numeric', timeZone: 'UTC' });
  const weekday = new Intl.DateTimeFormat(i18n.language, { weekday: 'short', timeZone: 'UTC' });
  return (
    <section className="card calendar-card" aria-labelledby="month-title" aria-busy={days === undefined}>
      <div className="calendar-head">
        <h2 id="month-title">{title.format(new Date(startOfDay(`${month}-01`)))}</h2>
        <div className="calendar-moves">
          <ActionIcon
            size="lg"
            aria-label={t('calendar.previous')}
            onClick={() => onMonth(addMonths(month, -1))}
          >
            <IconChevronLeft size={18} aria-hidden />
          </ActionIcon>
          <Button variant="default" size="xs" onClick={() => onMonth(today.slice(0, 7))}>
            {t('calendar.today')}
          </Button>
          <ActionIcon size="lg" aria-label={t('calendar.next')} onClick={() => onMonth(addMonths(month, 1))}>
            <IconChevronRight size={18} aria-hidden />
          </ActionIcon>
        </div>
      </div>
      <table className="days">
        <thead>
          <tr>
            {(weeks[0] ?? []).map((day) => (
              <th key={day} scope="col">
                {weekday.format(new Date(startOfDay(day)))}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week[0]}>
              {week.map((day) => (
                <td key={day} className={day.startsWith(month) ? undefined : 'is-other'}>
                  <Day
                    day={day}
                    count={counts.get(day) ?? 0}
                    most={most}
                    today={today}
                    chosen={range !== undefined && day >= range.from && day < range.until}
                    onChoose={() => onRange({ from: day, until: addDays(day, 1) })}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface DayProps {
  day: string;
  count: number;
  most: number;
  today: string;
  chosen: boolean;
  onChoose: () => void;
}

function Day({ day, count, most, today, chosen, onChoose }: DayProps) {
  const { t, i18n } = useTranslation();
  const number = (
    <span aria-hidden={count > 0} className={day === today ? 'day-number is-today' : 'day-number'}>
      {Number(day.slice(8))}
    </span>
  );
  const look = `day shade-${shadeOf(count, most)}${day < today ? ' is-past' : ''}${chosen ? ' is-chosen' : ''}`;
  if (count === 0) return <span className={look}>{number}</span>;
  return (
    <button type="button" className={look} aria-pressed={chosen} onClick={onChoose}>
      <span className="visually-hidden">
        {dayWords(day, i18n.language, true)}: {t('overview.certificates', { count })}
      </span>
      {number}
      <strong aria-hidden>{count}</strong>
    </button>
  );
}
