import { Button, Modal } from '@mantine/core';
import { notifications as toasts } from '@mantine/notifications';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { BulkBar } from '../../components/BulkBar';
import { useProblemText } from '../../components/States';
import type { Selection } from '../../lib/use-selection';
import { usePlan } from '../plan/use-plan';
import { DistributeForm } from '../trust/DistributeForm';
import type { PlanFilter } from './offers';

/** So many certificates the server takes away, or distributes, in one plan by their ids. */
const MOST_DELETED = 500;
const MOST_DISTRIBUTED = 50;

interface CertificateBulkProps {
  selection: Selection;
  more: boolean;
  total?: number;
  /** Where they are taken away from: one cluster, or everywhere. */
  clusterId?: string;
  /** What takes all away that matches; null: only chosen ones can be. */
  filter: () => PlanFilter | null;
}

/** What can be done with the chosen certificates in trust stores. */
export function CertificateBulk({ selection, more, total, clusterId, filter }: CertificateBulkProps) {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const [distributing, setDistributing] = useState(false);
  const close = () => setDistributing(false);
  const plan = usePlan((error) =>
    toasts.show({
      color: 'red',
      message: problemText(error),
      closeButtonProps: { 'aria-label': t('act.close') },
    }),
  );
  const ids = [...selection.chosen];
  const remove = () => {
    const whole = filter();
    if (selection.all && whole !== null) plan.mutate({ action: 'delete', filter: whole });
    else {
      const place = { cluster_ids: clusterId === undefined ? [] : [clusterId] };
      plan.mutate({ action: 'delete', filter: place, certificate_ids: ids });
    }
  };
  const tooMany = (most: number) => (ids.length > most ? t('bulk.too_many', { count: most }) : undefined);
  return (
    <BulkBar
      selection={selection}
      more={more}
      total={total}
      noAll={filter() === null ? t('bulk.no_filter') : undefined}
    >
      <Button
        variant="default"
        disabled={selection.all || tooMany(MOST_DISTRIBUTED) !== undefined}
        title={selection.all ? t('bulk.no_filter') : tooMany(MOST_DISTRIBUTED)}
        onClick={() => setDistributing(true)}
      >
        {t('action.distribute')}
      </Button>
      <Button
        variant="default"
        disabled={!selection.all && tooMany(MOST_DELETED) !== undefined}
        title={selection.all ? undefined : tooMany(MOST_DELETED)}
        loading={plan.isPending}
        onClick={remove}
      >
        {t('action.delete')}
      </Button>
      <Modal
        opened={distributing}
        onClose={close}
        title={t('action.distribute')}
        size={620}
        closeButtonProps={{ 'aria-label': t('act.close') }}
      >
        <DistributeForm certificateIds={ids} onClose={close} />
      </Modal>
    </BulkBar>
  );
}
