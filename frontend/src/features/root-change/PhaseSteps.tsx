import { Button } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { RootChangeDetail, RootChangePhase, RootChangePhaseView } from '../../api/types';
import { Meter } from '../../components/Counts';
import { Coded } from '../../components/Prose';
import { Step } from '../onboarding/Onboarding';
import { PhaseBadge } from './badges';
import type { usePhasePlan } from './use-phase-plan';

interface PhaseStepsProps {
  detail: RootChangeDetail;
  /** Somebody who may, and a root change that is open. */
  acts: boolean;
  plan: ReturnType<typeof usePhasePlan>;
  onOverride: (phase: RootChangePhase) => void;
}

/** The four phases in their order: how far each is, and what keeps it from beginning. */
export function PhaseSteps({ detail, acts, plan, onOverride }: PhaseStepsProps) {
  const { t } = useTranslation();
  const now = detail.next_action == null ? undefined : phaseOf(detail);
  return (
    <ol className="steps root-steps" aria-label={t('root.phases')}>
      {detail.phases.map((view) => (
        <Step
          key={view.phase}
          done={view.state === 'done'}
          now={view.phase === now}
          title={t(`phase.${view.phase}`)}
        >
          <p className="dim">{t(`phase_text.${view.phase}`)}</p>
          <PhaseProgress view={view} />
          {view.blocked_by.map((block) => (
            <div key={block.code} className="note note-warning">
              <IconLock size={18} aria-hidden />
              <div>
                <BlockWords code={block.code} count={block.count} message={block.message} />
              </div>
            </div>
          ))}
          {acts && view.state === 'blocked' && (
            <div className="step-actions">
              <Button variant="default" size="xs" onClick={() => onOverride(view.phase)}>
                {t('root.override', { phase: t(`phase.${view.phase}`) })}
              </Button>
            </div>
          )}
          {acts && view.state === 'open' && detail.next_action !== view.phase && (
            <div className="step-actions">
              <Button
                variant="default"
                size="xs"
                loading={plan.isPending && plan.variables.phase === view.phase}
                onClick={() => plan.mutate({ phase: view.phase })}
              >
                {t(`next.${view.phase}`)}
              </Button>
            </div>
          )}
        </Step>
      ))}
    </ol>
  );
}

/** The phase that what comes next belongs to; the first that is not done, where one has to wait or upload. */
function phaseOf({ next_action: next, phases }: RootChangeDetail): RootChangePhase | undefined {
  const named = phases.find(({ phase }) => phase === next)?.phase;
  if (named !== undefined) return named;
  if (next === 'upload') return 'switch';
  return phases.find(({ state }) => state !== 'done')?.phase;
}

function PhaseProgress({ view }: { view: RootChangePhaseView }) {
  const { t } = useTranslation();
  const { done, total, state } = view;
  const figures = { done, total };
  return (
    <div className="phase-progress">
      <PhaseBadge state={state} />
      <span className="figures">
        {view.phase === 'switch' ? t('root.certificates_done', figures) : t('root.stores_done', figures)}
      </span>
      <Meter share={total === 0 ? 1 : done / total} tone={state === 'done' ? 'valid' : 'running'} />
    </div>
  );
}

interface BlockWordsProps {
  code: string;
  count: number;
  message: string;
}

/** What keeps a phase from beginning: by its code in the reader's language, with how many it is about. */
export function BlockWords({ code, count, message }: BlockWordsProps) {
  const { t, i18n } = useTranslation();
  if (!i18n.exists(`block.${code}`, { count })) return <Coded words={`block.${code}`} message={message} />;
  return <p>{t(`block.${code}`, { count })}</p>;
}
