import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconCircleCheckFilled, IconCircleDashed, IconCircleMinus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { aftercareQuery, invalidate } from '../../api/queries';
import type { Aftercare, AftercareItem, AftercareState } from '../../api/types';
import { Badge, Tag } from '../../components/Badge';
import { LoadError, MoreRows, ProblemNote } from '../../components/States';
import { Time } from '../../components/Time';
import { useList } from '../../lib/use-list';
import { usePermissions } from '../../shell/session';
import { usePlan } from '../plan/use-plan';

const MARKS = { open: IconCircleDashed, done: IconCircleCheckFilled, skipped: IconCircleMinus };

/** What a job leaves to people, cluster by cluster: who did it, or said that it is not needed. */
export function AftercareList({ jobId }: { jobId: string }) {
  const { t } = useTranslation();
  const list = useList<Aftercare>(aftercareQuery(jobId));
  if (list.rows === undefined) {
    return list.error === null ? null : <LoadError error={list.error} retry={list.retry} />;
  }
  if (list.rows.length === 0) return null;
  const open = list.rows.reduce((sum, row) => sum + row.open, 0);
  return (
    <section className="card plan-group aftercare" aria-labelledby="aftercare-title">
      <div className="aftercare-head">
        <h2 id="aftercare-title">{t('aftercare.title')}</h2>
        <Badge tone={open > 0 ? 'warning' : 'valid'}>
          {open > 0 ? t('aftercare.open', { count: open }) : t('aftercare.all_done')}
        </Badge>
      </div>
      {list.rows.map((row) => (
        <section key={row.cluster.id} aria-label={row.cluster.name}>
          <h3 className="plan-cluster">{row.cluster.name}</h3>
          <ul className="aftercare-items">
            {row.items.map((item) => (
              <Item
                key={`${item.purpose} ${item.item}`}
                jobId={jobId}
                clusterId={row.cluster.id}
                item={item}
              />
            ))}
          </ul>
        </section>
      ))}
      <MoreRows list={list} />
    </section>
  );
}

interface ItemProps {
  jobId: string;
  clusterId: string;
  item: AftercareItem;
}

function Item({ jobId, clusterId, item }: ItemProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { operate } = usePermissions();
  const [note, setNote] = useState('');
  const confirm = useMutation({
    mutationFn: (state: AftercareState) =>
      take(
        client.POST('/api/v1/jobs/{id}/aftercare', {
          params: { path: { id: jobId } },
          body: { cluster_id: clusterId, purpose: item.purpose, item: item.item, state, note },
        }),
      ),
    onSuccess: () => {
      setNote('');
      return invalidate(queries, 'jobs');
    },
  });
  const restart = usePlan();
  const Mark = MARKS[item.state];
  const { service } = item;
  return (
    <li className={`aftercare-item is-${item.state}`}>
      <Mark size={19} aria-hidden />
      <div className="aftercare-text">
        <p>
          <span className="visually-hidden">{t(`aftercare.${item.state}_state`)}: </span>
          <span lang="en">{item.text}</span>
        </p>
        <p className="aftercare-facts">
          <Tag>{item.purpose}</Tag>
          <span className="dim">{item.nodes.map(({ name }) => name).join(', ')}</span>
        </p>
        {item.state !== 'open' && (
          <p className="dim">
            {item.by_job ? t('aftercare.by_job') : `${t(`aftercare.${item.state}_state`)}: ${item.by ?? ''}`}{' '}
            {item.at != null && <Time value={item.at} />}
            {item.note !== '' && ` · ${item.note}`}
          </p>
        )}
        {(confirm.error ?? restart.error) !== null && <ProblemNote error={confirm.error ?? restart.error} />}
      </div>
      {operate && !item.by_job && (
        <div className="aftercare-acts">
          {item.state === 'open' ? (
            <>
              <TextInput
                size="xs"
                aria-label={`${t('aftercare.note')}: ${item.text}`}
                placeholder={t('aftercare.note')}
                maxLength={500}
                value={note}
                onChange={(event) => setNote(event.currentTarget.value)}
              />
              {service != null && (
                <Button
                  size="xs"
                  variant="default"
                  loading={restart.isPending}
                  aria-label={`${t('aftercare.restart')}: ${service}`}
                  onClick={() =>
                    restart.mutate({
                      action: 'restart',
                      nodes: item.nodes.map(({ id }) => id),
                      services: [service],
                    })
                  }
                >
                  {t('aftercare.restart')}
                </Button>
              )}
              <Button
                size="xs"
                variant="default"
                loading={confirm.isPending}
                aria-label={`${t('aftercare.skip')}: ${item.text}`}
                onClick={() => confirm.mutate('skipped')}
              >
                {t('aftercare.skip')}
              </Button>
              <Button
                size="xs"
                loading={confirm.isPending}
                aria-label={`${t('aftercare.do')}: ${item.text}`}
                onClick={() => confirm.mutate('done')}
              >
                {t('aftercare.do')}
              </Button>
            </>
          ) : (
            <Button
              size="xs"
              variant="subtle"
              loading={confirm.isPending}
              aria-label={`${t('aftercare.reopen')}: ${item.text}`}
              onClick={() => confirm.mutate('open')}
            >
              {t('aftercare.reopen')}
            </Button>
          )}
        </div>
      )}
    </li>
  );
}
