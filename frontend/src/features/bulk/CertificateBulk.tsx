import { Button, Modal } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { BulkBar } from '../../components/BulkBar';
import type { Selection } from '../../lib/use-selection';
import { usePlanOrToast } from '../plan/use-plan';
import { DistributeForm } from '../trust/DistributeForm';
import type { PlanFilter } from './offers';

/** So many certificates the server takes away, or distributes, in one plan by their ids. */
const MOST_DELETED = 500;
const MOST_DISTRIBUTED = 50;

interface CertificateBulkProps {
  selection: Selection;
  more: boolean;
  total?: number;
  /** Where they are taken away from; left out: everywhere. */
  place?: PlanFilter;
  /** From which trust stores; left out: from whichever hold them. */
  stores?: string[];
  /** They are only taken away: nobody wants more of them. */
  clutter?: boolean;
  /** What takes all away that matches; null: only chosen ones can be. */
  filter: () => PlanFilter | null;
}

/** What can be done with the chosen certificates in trust stores. */
export function CertificateBulk(props: CertificateBulkProps) {
  const { selection, more, total, place = {}, stores, clutter = false, filter } = props;
  const { t } = useTranslation();
  const [distributing, setDistributing] = useState(false);
  const close = () => setDistributing(false);
  const plan = usePlanOrToast();
  const ids = [...selection.chosen];
  const remove = () => {
    const whole = filter();
    if (selection.all && whole !== null) plan.mutate({ action: 'delete', filter: whole });
    else plan.mutate({ action: 'delete', filter: place, stores, certificate_ids: ids });
  };
  const tooMany = (most: number) => (ids.length > most ? t('bulk.too_many', { count: most }) : undefined);
  return (
    <BulkBar
      selection={selection}
      more={more}
      total={total}
      noAll={filter() === null ? t('bulk.no_filter') : undefined}
    >
      {!clutter && (
        <Button
          variant="default"
          disabled={selection.all || tooMany(MOST_DISTRIBUTED) !== undefined}
          title={selection.all ? t('bulk.no_filter') : tooMany(MOST_DISTRIBUTED)}
          onClick={() => setDistributing(true)}
        >
          {t('action.distribute')}
        </Button>
      )}
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
