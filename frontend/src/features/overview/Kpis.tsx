import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import {
  deviationCountQuery,
  expiriesQuery,
  openCsrCountQuery,
  type Count,
} from '../../api/overview-queries';
import type { ExpiryDay, Overview } from '../../api/types';
import { useNow } from '../../components/Time';
import { addDays, dayOf } from '../../lib/days';

const WEEK = 7;
const MONTH = 30;

interface Kpi {
  key: string;
  tone: string;
  value: Count | undefined;
  note?: string;
  to: Pick<LinkProps, 'to' | 'search'>;
}

const exact = (count: number | undefined): Count | undefined =>
  count === undefined ? undefined : { count, more: false };

/** Certificates that end on the days before `until`. */
export function endsBefore(days: ExpiryDay[] | undefined, until: string): number | undefined {
  return days?.reduce((sum, { day, identity, trust }) => (day < until ? sum + identity + trust : sum), 0);
}

/** Six figures, each a link to the rows that it counts. */
export function Kpis({ overview }: { overview: Overview }) {
  const { t } = useTranslation();
  const today = dayOf(useNow());
  const week = addDays(today, WEEK);
  const month = addDays(today, MONTH);
  const days = useQuery(expiriesQuery(today, month)).data?.days;
  const different = useQuery(deviationCountQuery).data;
  const csrs = useQuery(openCsrCountQuery).data;
  const { identity, trust, agents, agents_online: online } = overview;
  const kpis: Kpi[] = [
    {
      key: 'expired',
      tone: 'expired',
      value: exact(identity.expired + trust.expired),
      note: t('overview.of_identity', { count: identity.expired }),
      to: { to: '/alerts', search: { status: 'expired' } },
    },
    {
      key: 'week',
      tone: 'critical',
      value: exact(endsBefore(days, week)),
      note: t('overview.from_today'),
      to: { to: '/calendar', search: { from: today, until: week } },
    },
    {
      key: 'month',
      tone: 'warning',
      value: exact(endsBefore(days, month)),
      note: t('overview.from_today'),
      to: { to: '/calendar', search: { from: today, until: month } },
    },
    {
      key: 'different',
      tone: 'notice',
      value: different,
      note: t('overview.different_note'),
      to: { to: '/compliance', search: { compliant: 'no' } },
    },
    {
      key: 'csrs',
      tone: 'valid',
      value: csrs,
      note: t('overview.csrs_note'),
      to: { to: '/csrs' },
    },
    {
      key: 'silent',
      tone: 'muted',
      value: exact(agents - online),
      note: t('overview.of_agents', { count: agents }),
      to: { to: '/agents', search: { status: 'offline,banned' } },
    },
  ];
  return (
    <ul className="kpis" aria-label={t('overview.figures')}>
      {kpis.map(({ key, tone, value, note, to }) => (
        <li key={key}>
          <Link {...to} className="card kpi">
            <span className="kpi-head">
              <span className={`dot dot-${tone}`} aria-hidden />
              {t(`kpi.${key}`)}
            </span>
            {value === undefined ? (
              <Skeleton height={24} width={40} my={4} radius="sm" />
            ) : (
              <strong className={value.count > 0 ? `kpi-count is-${tone}` : 'kpi-count'}>
                {value.count}
                {value.more && '+'}
              </strong>
            )}
            <span className="kpi-note">{note}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

export function KpisSkeleton() {
  return (
    <div aria-busy>
      <div className="kpis">
        {Array.from({ length: 6 }, (_, index) => (
          <Skeleton key={index} height={98} radius={12} />
        ))}
      </div>
      <div className="overview-grid">
        <Skeleton height={420} radius={12} />
        <Skeleton height={420} radius={12} />
      </div>
    </div>
  );
}
