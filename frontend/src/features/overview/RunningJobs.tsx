import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconChevronRight } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { ACTIVE, activeJobsQuery } from '../../api/overview-queries';
import type { Job } from '../../api/types';
import { TaskBadge } from '../../components/Badge';
import { Bar } from '../../components/Counts';
import { Lines, LoadError } from '../../components/States';
import { Time } from '../../components/Time';
import { LAST_YEAR } from '../../lib/time';
import { doneOf } from '../job/progress';

const SHOWN = 5;

/** Jobs under way, with how far they are. */
export function RunningJobs() {
  const { t } = useTranslation();
  const active = useQuery(activeJobsQuery);
  const jobs = active.data?.jobs ?? [];
  return (
    <section className="card overview-card" aria-labelledby="running-title">
      <div className="overview-head">
        <h2 id="running-title">{t('overview.running')}</h2>
        <Link to="/jobs" search={{ period: LAST_YEAR, state: ACTIVE.join(',') }} className="overview-link">
          {t('nav.jobs')}
          <IconChevronRight size={15} aria-hidden />
        </Link>
      </div>
      {active.data === undefined && active.isError && (
        <LoadError error={active.error} retry={() => void active.refetch()} />
      )}
      {active.isPending && <Lines count={2} />}
      {active.data !== undefined && jobs.length === 0 && <p className="dim">{t('overview.running_none')}</p>}
      <ul className="running">
        {jobs.slice(0, SHOWN).map((job) => (
          <RunningJob key={job.id} job={job} />
        ))}
      </ul>
    </section>
  );
}

function RunningJob({ job }: { job: Job }) {
  const { t } = useTranslation();
  return (
    <li>
      <div className="running-head">
        <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="cell-name">
          {t(`action.${job.action}`, { defaultValue: job.action })}
        </Link>
        <TaskBadge state={job.status} />
      </div>
      <Bar
        className="meter"
        parts={[
          { value: job.counts.failed, tone: 'expired' },
          { value: job.counts.succeeded, tone: 'valid' },
          { value: job.counts.running, tone: 'running' },
          { value: job.total - doneOf(job.counts) - job.counts.running, tone: 'none' },
        ]}
      />
      <div className="running-foot">
        <span>{t('job.done', { done: doneOf(job.counts), total: job.total })}</span>
        <Time value={job.created_at} />
      </div>
    </li>
  );
}
