import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconChevronRight } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { expiriesQuery } from '../../api/overview-queries';
import { LoadError } from '../../components/States';
import { useNow } from '../../components/Time';
import { addDays, dayOf, dayWords, rangeWords } from '../../lib/days';
import { byWeek, type Week } from './weeks';

const WEEKS = 12;
/** A bar is at least so high where there is anything: one certificate beside a wave of a thousand is seen, too. */
const FLOOR = 6;

/** What ends in each of the next twelve weeks. The scale is by the square root, or one wave would flatten all else. */
export function WeekBars() {
  const { t } = useTranslation();
  const today = dayOf(useNow());
  const read = useQuery(expiriesQuery(today, addDays(today, 7 * WEEKS)));
  const weeks = byWeek(read.data?.days ?? [], today, WEEKS);
  const most = Math.max(1, ...weeks.map((week) => week.identity + week.trust));
  return (
    <section className="card overview-card" aria-labelledby="weeks-title">
      <div className="overview-head">
        <h2 id="weeks-title">{t('overview.weeks')}</h2>
        <Link to="/calendar" className="overview-link">
          {t('nav.calendar')}
          <IconChevronRight size={15} aria-hidden />
        </Link>
      </div>
      {read.data === undefined && read.isError && (
        <LoadError error={read.error} retry={() => void read.refetch()} />
      )}
      {read.isPending ? (
        <Skeleton height={150} radius="md" />
      ) : (
        <ol className="weeks">
          {weeks.map((week, index) => (
            <WeekBar key={week.from} week={week} most={most} ticked={index % 4 === 0} />
          ))}
        </ol>
      )}
      <ul className="legend">
        <li>
          <span className="swatch swatch-identity" aria-hidden />
          {t('card.identity')}
        </li>
        <li>
          <span className="swatch swatch-trust" aria-hidden />
          {t('card.trust')}
        </li>
      </ul>
    </section>
  );
}

function WeekBar({ week, most, ticked }: { week: Week; most: number; ticked: boolean }) {
  const { t, i18n } = useTranslation();
  const count = week.identity + week.trust;
  const height = count === 0 ? 0 : Math.max(FLOOR, Math.sqrt(count / most) * 100);
  const identity = count === 0 ? 0 : (week.identity / count) * height;
  const words = `${rangeWords(week.from, week.until, i18n.language)}: ${t('overview.certificates', { count })}`;
  return (
    <li>
      <Link
        className="week"
        to="/calendar"
        search={{ from: week.from, until: week.until }}
        title={words}
        aria-label={words}
      >
        <span className="week-count" aria-hidden>
          {count > 0 ? count : ''}
        </span>
        <svg viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden>
          <rect className="week-ground" y="99" width="10" height="1" />
          <rect className="week-trust" y={100 - height} width="10" height={height - identity} />
          <rect className="week-identity" y={100 - identity} width="10" height={identity} />
        </svg>
      </Link>
      <span className="week-tick" aria-hidden>
        {ticked ? dayWords(week.from, i18n.language) : ''}
      </span>
    </li>
  );
}
