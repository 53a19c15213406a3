import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { IconChevronLeft, IconPlayerStop, IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { invalidate } from '../api/queries';
import type { Job } from '../api/types';
import { TaskBadge } from '../components/Badge';
import { Bar } from '../components/Counts';
import { PageHeader } from '../components/PageHeader';
import { Lines, LoadError, ProblemNote } from '../components/States';
import { Time } from '../components/Time';
import { AftercareList } from '../features/job/AftercareList';
import { doneOf } from '../features/job/progress';
import { TaskList } from '../features/job/TaskList';
import { useLiveJob } from '../features/job/use-live-job';
import { KeptNote } from '../features/trust/Findings';
import { duration } from '../lib/time';
import { usePermissions } from '../shell/session';

export function JobPage() {
  const { jobId } = useParams({ from: '/app/jobs/$jobId' });
  const { job, tasks, stream, over } = useLiveJob(jobId);
  if (job.data === undefined) {
    return (
      <div className="page">
        {job.isError ? (
          <LoadError page error={job.error} retry={() => void job.refetch()} />
        ) : (
          <Lines count={8} />
        )}
      </div>
    );
  }
  return (
    <div className="page">
      <JobHeader job={job.data} over={over} />
      <Progress job={job.data} over={over} live={stream === 'live'} />
      <TaskList tasks={tasks} />
      {over && <KeptNote jobId={jobId} />}
      {over && <AftercareList jobId={jobId} />}
    </div>
  );
}

function JobHeader({ job, over }: { job: Job; over: boolean }) {
  const { t } = useTranslation();
  const cancelling = job.cancel_requested && !over;
  return (
    <PageHeader
      above={
        <Link to="/jobs" className="page-back">
          <IconChevronLeft size={15} aria-hidden />
          {t('nav.jobs')}
        </Link>
      }
      title={t(`action.${job.action}`, { defaultValue: job.action })}
      mark={<TaskBadge state={cancelling ? 'cancelling' : job.status} />}
      sub={
        <>
          <span>{job.title}</span>
          <span>
            {t('job.started')} <Time value={job.created_at} />
          </span>
          <span>{job.created_by}</span>
          {job.clusters.map((cluster) => (
            <span key={cluster.id}>
              <Link to="/clusters/$clusterId/$tab" params={{ clusterId: cluster.id, tab: 'identity' }}>
                {cluster.name}
              </Link>
            </span>
          ))}
        </>
      }
      actions={<JobActions job={job} over={over} />}
    />
  );
}

function JobActions({ job, over }: { job: Job; over: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { operate } = usePermissions();
  const cancel = useMutation({
    mutationFn: () => take(client.POST('/api/v1/jobs/{id}/cancel', { params: { path: { id: job.id } } })),
    onSuccess: () => invalidate(queries, 'jobs'),
  });
  const retry = useMutation({
    mutationFn: () => take(client.POST('/api/v1/jobs/{id}/retry', { params: { path: { id: job.id } } })),
    onSuccess: async (next) => {
      await invalidate(queries, 'jobs');
      await navigate({ to: '/jobs/$jobId', params: { jobId: next.id } });
    },
  });
  const error = cancel.error ?? retry.error;
  if (!operate) return null;
  return (
    <>
      {error !== null && <ProblemNote error={error} />}
      {!over && (
        <Button
          variant="default"
          leftSection={<IconPlayerStop size={16} aria-hidden />}
          disabled={job.cancel_requested}
          loading={cancel.isPending}
          onClick={() => cancel.mutate()}
        >
          {t('job.stop')}
        </Button>
      )}
      {over && job.counts.failed > 0 && (
        <Button
          leftSection={<IconRefresh size={16} aria-hidden />}
          loading={retry.isPending}
          onClick={() => retry.mutate()}
        >
          {t('job.retry', { count: job.counts.failed })}
        </Button>
      )}
    </>
  );
}

function Progress({ job, over, live }: { job: Job; over: boolean; live: boolean }) {
  const { t, i18n } = useTranslation();
  const { counts } = job;
  const done = doneOf(counts);
  const percent = new Intl.NumberFormat(i18n.language, { style: 'percent' }).format(
    job.total === 0 ? 0 : done / job.total,
  );
  return (
    <section className="card progress-card" aria-label={t('job.progress')}>
      <div className="progress-head">
        <span aria-live="polite">
          {t('job.done', { done, total: job.total })}
          {counts.failed > 0 && (
            <span className="text-expired"> · {t('job.failed', { count: counts.failed })}</span>
          )}
        </span>
        <span className="progress-end">
          {over && job.finished_at != null && (
            <span className="dim">{duration(job.created_at, job.finished_at, i18n.language)}</span>
          )}
          {!over && <Live live={live} />}
          <span className="figures">{percent}</span>
        </span>
      </div>
      <Bar
        className="progress-bar"
        parts={[
          { value: counts.succeeded, tone: 'valid' },
          { value: counts.failed, tone: 'expired' },
          { value: counts.cancelled + counts.expired + counts.superseded, tone: 'muted' },
          { value: counts.running, tone: 'running' },
          { value: counts.waiting + counts.pending, tone: 'none' },
        ]}
      />
    </section>
  );
}

function Live({ live }: { live: boolean }) {
  const { t } = useTranslation();
  return (
    <span className={live ? 'live is-live' : 'live'}>
      <span className="dot" aria-hidden />
      {live ? t('job.live') : t('job.polling')}
    </span>
  );
}
