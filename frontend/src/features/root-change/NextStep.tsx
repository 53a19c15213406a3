import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { NextAction, RootChangeDetail, RootChangePhase } from '../../api/types';
import { ProblemNote } from '../../components/States';
import type { usePhasePlan } from './use-phase-plan';

/** What comes next that a plan does. */
const PLANNED: Partial<Record<NextAction, RootChangePhase>> = {
  distribute: 'distribute',
  verify: 'verify',
  switch: 'switch',
  retire: 'retire',
};

interface NextStepProps {
  detail: RootChangeDetail;
  acts: boolean;
  plan: ReturnType<typeof usePhasePlan>;
  onClose: () => void;
}

/** What comes next, in a sentence, and the one button that does it. */
export function NextStep({ detail, acts, plan, onClose }: NextStepProps) {
  const { t } = useTranslation();
  const next = detail.next_action;
  if (next == null) return null;
  const phase = PLANNED[next];
  return (
    <section className="card next-step" aria-labelledby="next-step">
      <div className="next-words">
        <h2 id="next-step">{t('root.next')}</h2>
        <p aria-live="polite">{t(`next_text.${next}`)}</p>
      </div>
      {acts && phase !== undefined && (
        <Button
          loading={plan.isPending && plan.variables.phase === phase && plan.variables.reason === undefined}
          onClick={() => plan.mutate({ phase })}
        >
          {t(`next.${phase}`)}
        </Button>
      )}
      {next === 'upload' && (
        <Button renderRoot={(props) => <Link {...props} to="/csrs" />}>{t('next.upload')}</Button>
      )}
      {acts && next === 'close' && <Button onClick={onClose}>{t('next.close')}</Button>}
      {plan.error !== null && plan.variables?.reason === undefined && <ProblemNote error={plan.error} />}
    </section>
  );
}
