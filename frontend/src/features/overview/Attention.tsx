import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import {
  IconCloudOff,
  IconFileCertificate,
  IconHourglass,
  IconMailX,
  IconPlugConnectedX,
  IconShieldCheck,
  IconShieldExclamation,
  IconX,
  type Icon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import {
  deviationCountQuery,
  openCsrCountQuery,
  someJobsQuery,
  unreachableCountQuery,
  type Count,
} from '../../api/overview-queries';
import type { AlertTrouble, Overview } from '../../api/types';
import { Lines, LoadError } from '../../components/States';
import { LAST_YEAR } from '../../lib/time';
import { mendOf } from './trouble';

interface Task {
  key: string;
  icon: Icon;
  tone: string;
  title: string;
  text?: string;
  to: Pick<LinkProps, 'to' | 'params' | 'search'>;
  act: string;
}

/** What waits for somebody: each with the place where it is done. */
export function Attention({ overview }: { overview: Overview }) {
  const { t } = useTranslation();
  const failed = useQuery(someJobsQuery(['failed', 'partly_failed']));
  const waiting = useQuery(someJobsQuery(['waiting'], LAST_YEAR));
  const csrs = useQuery(openCsrCountQuery);
  const different = useQuery(deviationCountQuery);
  const unreachable = useQuery(unreachableCountQuery);
  const tasks: Task[] = [
    ...overview.alerting.map((trouble) => ofTrouble(trouble)),
    ...countTask(failed.data, {
      key: 'failed',
      icon: IconX,
      tone: 'expired',
      to: { to: '/jobs', search: { state: 'failed,partly_failed' } },
    }),
    ...countTask(unreachable.data, {
      key: 'unreachable',
      icon: IconCloudOff,
      tone: 'expired',
      to: { to: '/clusters', search: { status: 'unreachable' } },
    }),
    ...countTask(
      { count: overview.agents - overview.agents_online, more: false },
      {
        key: 'silent',
        icon: IconPlugConnectedX,
        tone: 'warning',
        to: { to: '/agents', search: { status: 'offline,banned' } },
      },
    ),
    ...countTask(csrs.data, {
      key: 'csrs',
      icon: IconFileCertificate,
      tone: 'notice',
      to: { to: '/csrs' },
    }),
    ...countTask(waiting.data, {
      key: 'waiting',
      icon: IconHourglass,
      tone: 'notice',
      to: { to: '/jobs', search: { period: LAST_YEAR, state: 'waiting' } },
    }),
    ...countTask(different.data, {
      key: 'different',
      icon: IconShieldExclamation,
      tone: 'warning',
      to: { to: '/compliance', search: { compliant: 'no' } },
    }),
  ];
  const queries = [failed, waiting, csrs, different, unreachable];
  const loading = queries.some((query) => query.isPending);
  const unread = queries.find((query) => query.isError && query.data === undefined);
  return (
    <section className="card overview-card" aria-labelledby="attention-title">
      <div className="overview-head">
        <h2 id="attention-title">{t('overview.attention')}</h2>
      </div>
      {tasks.length === 0 && loading && <Lines count={4} />}
      {unread !== undefined && (
        <LoadError
          error={unread.error}
          retry={() => queries.filter((query) => query.isError).forEach((query) => void query.refetch())}
        />
      )}
      {tasks.length === 0 && !loading && unread === undefined && (
        <p className="calm">
          <IconShieldCheck size={20} aria-hidden />
          {t('overview.calm')}
        </p>
      )}
      <ul className="attention">
        {tasks.map((task) => (
          <AttentionRow key={task.key} task={task} />
        ))}
      </ul>
    </section>
  );

  function ofTrouble(trouble: AlertTrouble): Task {
    return {
      key: trouble.code,
      icon: IconMailX,
      tone: 'expired',
      title: t(`trouble.${trouble.code}`, { defaultValue: trouble.message, count: trouble.count }),
      text: t('overview.trouble_text'),
      to: mendOf(trouble.code),
      act: t('overview.mend'),
    };
  }

  function countTask(found: Count | undefined, task: Pick<Task, 'key' | 'icon' | 'tone' | 'to'>): Task[] {
    if (found === undefined || found.count === 0) return [];
    return [
      {
        ...task,
        title: found.more
          ? t('overview.at_least', { what: t(`waits.${task.key}`, { count: found.count }) })
          : t(`waits.${task.key}`, { count: found.count }),
        text: t(`waits_text.${task.key}`),
        act: t('overview.look'),
      },
    ];
  }
}

function AttentionRow({ task }: { task: Task }) {
  const { icon: Mark, tone, title, text, to, act } = task;
  return (
    <li>
      <span className={`attention-mark tone-${tone}`} aria-hidden>
        <Mark size={17} />
      </span>
      <span className="attention-text">
        <strong>{title}</strong>
        {text !== undefined && <span className="dim">{text}</span>}
      </span>
      <Button
        variant="default"
        size="xs"
        aria-label={`${act}: ${title}`}
        renderRoot={(props) => <Link {...props} {...to} />}
      >
        {act}
      </Button>
    </li>
  );
}
