import { Modal } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { planQuery } from '../../api/queries';
import { Lines, LoadError } from '../../components/States';
import { useView } from '../../lib/view';
import { PlanPreview } from './PlanPreview';

/** The preview that `?plan=` in the address asks for, over whatever page is open. */
export function PlanDialog() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const id = view.plan ?? null;
  const plan = useQuery({ ...planQuery(id ?? ''), enabled: id !== null });
  const close = () => change({ plan: undefined });
  const title =
    plan.data === undefined
      ? t('plan.title')
      : `${t(`action.${plan.data.action}`, { defaultValue: plan.data.action })}: ${t('plan.title_end')}`;
  return (
    <Modal
      opened={id !== null}
      onClose={close}
      title={title}
      size={820}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      {plan.data !== undefined && id !== null && <PlanPreview key={id} plan={plan.data} onClose={close} />}
      {plan.isError && <LoadError error={plan.error} retry={() => void plan.refetch()} />}
      {plan.isPending && <Lines count={5} />}
    </Modal>
  );
}
