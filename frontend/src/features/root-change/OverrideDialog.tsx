import { Button, Modal, TextInput } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { RootChangePhaseView } from '../../api/types';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { BlockWords } from './PhaseSteps';
import { usePhasePlan } from './use-phase-plan';

/** So long may a reason be. */
export const MOST_REASON = 500;

interface OverrideDialogProps {
  id: string;
  /** The phase that is to begin; none: the dialog is closed. */
  view: RootChangePhaseView | undefined;
  onClose: () => void;
}

/** Begins a phase although something is to be done before: with a reason, which the audit log keeps. */
export function OverrideDialog({ id, view, onClose }: OverrideDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={view !== undefined}
      onClose={onClose}
      title={view === undefined ? '' : t('root.override', { phase: t(`phase.${view.phase}`) })}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      {view !== undefined && <OverrideForm id={id} view={view} onClose={onClose} />}
    </Modal>
  );
}

function OverrideForm({ id, view, onClose }: { id: string; view: RootChangePhaseView; onClose: () => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const plan = usePhasePlan(id);
  const fieldError = useFieldErrors(plan.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    plan.mutate({ phase: view.phase, reason: reason.trim() });
  };
  return (
    <form className="form" onSubmit={submit}>
      {plan.error !== null && <ProblemNote error={plan.error} />}
      <div className="note note-warning">
        <IconAlertTriangle size={18} aria-hidden />
        <div>
          {view.blocked_by.map((block) => (
            <BlockWords key={block.code} {...block} />
          ))}
        </div>
      </div>
      <p>{t('root.override_text')}</p>
      <TextInput
        label={t('root.reason')}
        required
        withAsterisk={false}
        data-autofocus
        maxLength={MOST_REASON}
        value={reason}
        error={fieldError('override_reason')}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" disabled={reason.trim() === ''} loading={plan.isPending}>
          {t('plan.preview')}
        </Button>
      </div>
    </form>
  );
}
