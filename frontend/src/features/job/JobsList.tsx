import { Select } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { IconClipboardList } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../../api/csv';
import { jobsQuery } from '../../api/queries';
import type { Job, JobStatus } from '../../api/types';
import { TaskBadge } from '../../components/Badge';
import { Bar } from '../../components/Counts';
import { CsvButton } from '../../components/CsvButton';
import { DataTable, type Column } from '../../components/DataTable';
import { MultiFilter } from '../../components/Filters';
import { EmptyState, NoMatch } from '../../components/States';
import { Time } from '../../components/Time';
import { joinList, splitList } from '../../lib/search';
import { LAST_YEAR, lastYear, monthRange } from '../../lib/time';
import { useList } from '../../lib/use-list';
import { useView } from '../../lib/view';
import { doneOf } from './progress';

const STATES: JobStatus[] = ['waiting', 'running', 'succeeded', 'failed', 'partly_failed', 'cancelled'];
const PERIOD_MONTHS = 12;

/** Jobs of a month, the current one by default, of one cluster or of all. */
export function JobsList({ clusterId }: { clusterId?: string }) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const navigate = useNavigate();
  const states = STATES.filter((name) => splitList(view.state).includes(name));
  const back =
    view.period === LAST_YEAR
      ? LAST_YEAR
      : Math.min(PERIOD_MONTHS - 1, Math.max(0, Number(view.period ?? 0) || 0));
  // Fixed for the life of the list: a range that moves with each second would be a new list each time.
  const range = useMemo(() => (back === LAST_YEAR ? lastYear() : monthRange(Date.now(), back)), [back]);
  const filter = { ...range, state: states };
  const list = useList<Job>(jobsQuery({ ...filter, cluster_id: clusterId }));
  const columns = useJobColumns();
  return (
    <div className="card">
      <div className="filters" role="search">
        <PeriodSelect
          value={String(back)}
          onChange={(value) => change({ period: value === '0' ? undefined : value })}
        />
        <MultiFilter
          label={t('col.status')}
          options={STATES.map((name) => ({ value: name, label: t(`task.${name}`) }))}
          value={states}
          onChange={(values) => change({ state: joinList(values) })}
        />
        <div className="filters-end">
          <CsvButton
            href={
              clusterId === undefined
                ? csvHref('/api/v1/jobs.csv', { query: filter })
                : csvHref('/api/v1/clusters/{id}/jobs.csv', { path: { id: clusterId }, query: filter })
            }
          />
        </div>
      </div>
      <DataTable
        label={t('jobs.title')}
        columns={columns}
        rows={list.rows}
        rowId={(job) => job.id}
        loading={list.loading}
        error={list.error}
        retry={list.retry}
        stale={list.stale}
        more={list.more}
        onOpen={(job) => void navigate({ to: '/jobs/$jobId', params: { jobId: job.id } })}
        empty={
          states.length > 0 ? (
            <NoMatch onClear={() => change({ state: undefined })} />
          ) : (
            <EmptyState icon={IconClipboardList} title={t('jobs.none')}>
              {t('jobs.none_text')}
            </EmptyState>
          )
        }
      />
    </div>
  );
}

function PeriodSelect({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t, i18n } = useTranslation();
  const months = useMemo(() => {
    const format = new Intl.DateTimeFormat(i18n.language, {
      month: 'long',
      year: 'numeric',
      timeZone: 'UTC',
    });
    const single = Array.from({ length: PERIOD_MONTHS }, (_, back) => ({
      value: String(back),
      label: back === 0 ? t('jobs.this_month') : format.format(new Date(monthRange(Date.now(), back).from)),
    }));
    return [...single, { value: LAST_YEAR, label: t('jobs.last_year') }];
  }, [t, i18n.language]);
  return (
    <Select
      className="filter-select"
      radius="xl"
      aria-label={t('jobs.period')}
      data={months}
      value={value}
      onChange={(next) => onChange(next ?? '0')}
    />
  );
}

/** What a row of jobs shows. */
export function useJobColumns(): Column<Job>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'status',
        header: t('col.status'),
        className: 'col-status',
        cell: (job) => <TaskBadge state={job.status} />,
      },
      {
        id: 'job',
        header: t('col.job'),
        cell: (job) => (
          <span className="cell-main">
            <Link className="cell-name" to="/jobs/$jobId" params={{ jobId: job.id }}>
              {t(`action.${job.action}`, { defaultValue: job.action })}
            </Link>
            <span className="cell-second">{job.title}</span>
          </span>
        ),
      },
      {
        id: 'cluster',
        header: t('col.cluster'),
        cell: (job) =>
          job.clusters.length === 1
            ? job.clusters[0]?.name
            : t('clusters.count', { count: job.clusters.length }),
      },
      {
        id: 'nodes',
        header: t('col.nodes'),
        cell: (job) => (
          <span className="cell-main job-nodes">
            <span className="figures">{t('job.done', { done: doneOf(job.counts), total: job.total })}</span>
            <Bar
              className="meter"
              parts={[
                { value: job.counts.failed, tone: 'expired' },
                { value: job.counts.succeeded, tone: 'valid' },
                { value: job.counts.running, tone: 'running' },
                { value: job.counts.cancelled + job.counts.expired + job.counts.superseded, tone: 'muted' },
                { value: job.counts.waiting + job.counts.pending, tone: 'none' },
              ]}
            />
          </span>
        ),
      },
      {
        id: 'by',
        header: t('col.started_by'),
        className: 'col-wide',
        cell: (job) => job.created_by,
      },
      {
        id: 'at',
        header: t('col.started'),
        className: 'col-tight',
        cell: (job) => <Time value={job.created_at} />,
      },
    ],
    [t],
  );
}
