import { Button, Modal, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { invalidate } from '../../api/queries';
import type { RootChangeDetail } from '../../api/types';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { MOST_REASON } from './OverrideDialog';

interface CloseDialogProps {
  detail: RootChangeDetail;
  opened: boolean;
  onClose: () => void;
}

/** Closes a root change: done where nothing is left to do, else cancelled, which takes a reason. */
export function CloseDialog({ detail, opened, onClose }: CloseDialogProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const close = useMutation({
    mutationFn: (reason: string) =>
      take(
        client.POST('/api/v1/root-changes/{id}/close', {
          params: { path: { id: detail.id } },
          body: { reason },
        }),
      ),
    onSuccess: async () => {
      await invalidate(queries, 'root-changes');
      onClose();
    },
  });
  if (detail.next_action === 'close') {
    return (
      <ConfirmDialog
        title={t('next.close')}
        act={t('next.close')}
        opened={opened}
        busy={close.isPending}
        error={close.error}
        onAct={() => close.mutate('')}
        onClose={onClose}
      >
        {t('root.close_text')}
      </ConfirmDialog>
    );
  }
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('root.cancel')}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <CancelForm
        busy={close.isPending}
        error={close.error}
        onAct={(reason) => close.mutate(reason)}
        onClose={onClose}
      />
    </Modal>
  );
}

interface CancelFormProps {
  busy: boolean;
  error: unknown;
  onAct: (reason: string) => void;
  onClose: () => void;
}

function CancelForm({ busy, error, onAct, onClose }: CancelFormProps) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const fieldError = useFieldErrors(error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onAct(reason.trim());
  };
  return (
    <form className="form" onSubmit={submit}>
      {error !== null && <ProblemNote error={error} />}
      <p>{t('root.cancel_text')}</p>
      <TextInput
        label={t('root.reason')}
        required
        withAsterisk={false}
        data-autofocus
        maxLength={MOST_REASON}
        value={reason}
        error={fieldError('reason')}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button className="button-danger" type="submit" disabled={reason.trim() === ''} loading={busy}>
          {t('root.cancel')}
        </Button>
      </div>
    </form>
  );
}
