import { Button, Checkbox, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { IconAlertTriangle, IconArrowBackUp, IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { ApiError } from '../../api/problem';
import { invalidate } from '../../api/queries';
import type { Plan, PlanWarning } from '../../api/types';
import { Coded } from '../../components/Prose';
import { ProblemNote } from '../../components/States';
import { Time } from '../../components/Time';
import { PlanChanges } from './PlanChanges';
import { PlanTargets } from './PlanTargets';
import { undoOf } from './undo';

/** Actions that take something away: of many at once they ask for the number. */
const DESTRUCTIVE: string[] = ['delete', 'replace'];

type OnChanged = 'refuse' | 'drop';

/** All that a job would do, node by node, before anything is done; and the button that starts it. */
export function PlanPreview({ plan, onClose }: { plan: Plan; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [consent, setConsent] = useState<string[]>([]);
  const run = useMutation({
    mutationFn: (changed: OnChanged) =>
      take(client.POST('/api/v1/jobs', { body: { plan_id: plan.id, consent, changed } })),
    onSuccess: async (job) => {
      await invalidate(queries, 'jobs', 'clusters', 'certificates');
      await navigate({ to: '/jobs/$jobId', params: { jobId: job.id } });
    },
  });
  const needed = plan.warnings.filter((warning) => warning.consent).map((warning) => warning.code);
  const typed = plan.target_count > 1 && DESTRUCTIVE.includes(plan.action);
  const [word, setWord] = useState('');
  const agreed =
    needed.every((code) => consent.includes(code)) && (!typed || word.trim() === String(plan.target_count));
  const clusters = new Set(plan.targets.map((target) => target.cluster.id)).size;
  const changed = run.error instanceof ApiError && run.error.status === 409 ? run.error : null;
  const toggle = (code: string, on: boolean) =>
    setConsent((old) => (on ? [...old, code] : old.filter((item) => item !== code)));
  return (
    <div className="plan-body">
      <p className="dim">
        {plan.targets.length > 0
          ? t('plan.intro', {
              nodes: t('plan.places', { count: plan.target_count }),
              // Of a large plan only the first targets are known here.
              clusters:
                plan.targets.length < plan.target_count
                  ? t('plan.several_clusters')
                  : t('clusters.count', { count: clusters }),
            })
          : t('plan.nothing')}{' '}
        {t('plan.expires')} <Time value={plan.expires_at} />.
      </p>
      <PlanTargets plan={plan} />
      <Undo plan={plan} />
      {plan.warnings.map((warning) => (
        <Warning
          key={warning.code}
          warning={warning}
          checked={consent.includes(warning.code)}
          onToggle={(on) => toggle(warning.code, on)}
        />
      ))}
      {typed && (
        <TextInput
          label={t('plan.type_count', { count: plan.target_count })}
          description={t('plan.type_why')}
          inputMode="numeric"
          className="plan-typed"
          value={word}
          onChange={(event) => setWord(event.currentTarget.value)}
        />
      )}
      {changed !== null && <PlanChanges problem={changed.problem} />}
      {run.error !== null && changed === null && <ProblemNote error={run.error} />}
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        {changed !== null && (
          <Button variant="default" loading={run.isPending} onClick={() => run.mutate('drop')}>
            {t('plan.drop_changed')}
          </Button>
        )}
        <Button
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
          disabled={!agreed || plan.targets.length === 0 || changed !== null}
          loading={run.isPending}
          onClick={() => run.mutate('refuse')}
        >
          {t('plan.run')}
        </Button>
      </div>
    </div>
  );
}

interface WarningProps {
  warning: PlanWarning;
  checked: boolean;
  onToggle: (on: boolean) => void;
}

function Warning({ warning, checked, onToggle }: WarningProps) {
  const { t } = useTranslation();
  return (
    <div className="note note-warning">
      <IconAlertTriangle size={18} aria-hidden />
      <div className="plan-warning">
        <p>
          <Coded words={`warning.${warning.code}`} message={warning.message} />
          {warning.targets > 1 && ` (${t('nodes.count', { count: warning.targets })})`}
        </p>
        {warning.consent && (
          <Checkbox
            label={t('plan.consent')}
            checked={checked}
            onChange={(event) => onToggle(event.currentTarget.checked)}
          />
        )}
      </div>
    </div>
  );
}

function Undo({ plan }: { plan: Plan }) {
  const { t } = useTranslation();
  if (plan.targets.length === 0) return null;
  return (
    <div className={plan.undo === 'none' ? 'note note-warning' : 'note note-notice'}>
      <IconArrowBackUp size={18} aria-hidden />
      <div>{t(`undo.${undoOf(plan)}`)}</div>
    </div>
  );
}
