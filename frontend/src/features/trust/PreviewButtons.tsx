import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { ProblemNote } from '../../components/States';
import type { usePlan } from '../plan/use-plan';

interface PreviewButtonsProps {
  plan: Pick<ReturnType<typeof usePlan>, 'error' | 'isPending'>;
  ready: boolean;
  onClose: () => void;
}

/** The end of a form that asks for a plan: what was wrong with it, and the two ways on. */
export function PreviewButtons({ plan, ready, onClose }: PreviewButtonsProps) {
  const { t } = useTranslation();
  return (
    <>
      {plan.error !== null && <ProblemNote error={plan.error} />}
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" disabled={!ready} loading={plan.isPending}>
          {t('plan.preview')}
        </Button>
      </div>
    </>
  );
}
