import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import {
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleMinus,
  IconRotateClockwise2,
} from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { aftercareQuery, invalidate } from '../../api/queries';
import type { Aftercare, AftercareItem, AftercareState } from '../../api/types';
import { Badge, Tag } from '../../components/Badge';
import { LoadError, MoreRows, ProblemNote } from '../../components/States';
import { Prose } from '../../components/Prose';
import { Time } from '../../components/Time';
import { plainText, useServerWords } from '../../lib/server-words';
import { useList } from '../../lib/use-list';
import { usePermissions } from '../../shell/session';
import { useMadePlan, usePlan } from '../plan/use-plan';

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
        {list.rows.some(({ items }) => items.some(isOpenRestart)) && <RestartAll jobId={jobId} />}
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

const isOpenRestart = (item: AftercareItem) => item.state === 'open' && item.service != null;

/** Plans all restarts that are open, one node after the other; the preview shows them before anything is restarted. */
function RestartAll({ jobId }: { jobId: string }) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const plan = useMadePlan(() =>
    take(client.POST('/api/v1/jobs/{id}/aftercare/restarts', { params: { path: { id: jobId } }, body: {} })),
  );
  if (!operate) return null;
  return (
    <>
      <Button
        size="xs"
        variant="default"
        className="aftercare-all"
        leftSection={<IconRotateClockwise2 size={15} aria-hidden />}
        loading={plan.isPending}
        onClick={() => plan.mutate(undefined)}
      >
        {t('aftercare.restart_all')}
      </Button>
      {plan.error !== null && <ProblemNote error={plan.error} />}
    </>
  );
}

/** What to do, in the reader's words where there are some for it. */
function useItemWords(): (item: AftercareItem) => string | null {
  const words = useServerWords();
  return ({ item, service }) =>
    service != null ? words('aftercare.restart_service', { service }) : words(`aftercare_item.${item}`);
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
  const own = useItemWords()(item);
  const name = own ?? plainText(item.text);
  const Mark = MARKS[item.state];
  const { service } = item;
  return (
    <li className={`aftercare-item is-${item.state}`}>
      <Mark size={19} aria-hidden />
      <div className="aftercare-text">
        <p>
          <span className="visually-hidden">{t(`aftercare.${item.state}_state`)}: </span>
          {own === null ? (
            <span lang="en">
              <Prose text={item.text} />
            </span>
          ) : (
            own
          )}
        </p>
        {own !== null && item.service == null && (
          <p className="exact dim" lang="en">
            <Prose text={item.text} />
          </p>
        )}
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
                aria-label={`${t('aftercare.note')}: ${name}`}
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
                aria-label={`${t('aftercare.skip')}: ${name}`}
                onClick={() => confirm.mutate('skipped')}
              >
                {t('aftercare.skip')}
              </Button>
              <Button
                size="xs"
                loading={confirm.isPending}
                aria-label={`${t('aftercare.do')}: ${name}`}
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
              aria-label={`${t('aftercare.reopen')}: ${name}`}
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
