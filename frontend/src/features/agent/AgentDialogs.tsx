import { Button, Modal, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { invalidate } from '../../api/queries';
import type { Agent } from '../../api/types';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { useAct } from '../../lib/use-act';
import { useView } from '../../lib/view';

interface AgentDialogProps {
  agent: Agent;
  opened: boolean;
  onClose: () => void;
}

/** What happens to the nodes and jobs of an agent that is not let in any more. */
function Consequences({ agent, act }: { agent: Agent; act: 'ban' | 'retire' }) {
  const { t } = useTranslation();
  return (
    <ul className="consequences">
      <li>{t(`agents.${act}_agent`)}</li>
      {agent.node_count > 0 && (
        <>
          <li>{t('agents.loses_nodes', { count: agent.node_count })}</li>
          <li>{t('agents.loses_jobs')}</li>
        </>
      )}
      <li>{t(`agents.${act}_back`)}</li>
    </ul>
  );
}

/** Locks an agent out, with the reason. */
export function BanDialog({ agent, opened, onClose }: AgentDialogProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const ban = useMutation({
    mutationFn: () =>
      take(client.POST('/api/v1/agents/{id}/ban', { params: { path: { id: agent.id } }, body: { reason } })),
    onSuccess: async () => {
      setReason('');
      onClose();
      await invalidate(queries, 'agents', 'clusters', 'overview');
    },
  });
  const fieldError = useFieldErrors(ban.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ban.mutate();
  };
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('agents.ban_title', { name: agent.name })}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <form className="form" onSubmit={submit}>
        {ban.error !== null && <ProblemNote error={ban.error} />}
        <Consequences agent={agent} act="ban" />
        <TextInput
          label={t('agents.ban_reason')}
          description={t('agents.ban_reason_hint')}
          required
          withAsterisk={false}
          data-autofocus
          maxLength={500}
          value={reason}
          error={fieldError('reason')}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <div className="form-actions">
          <Button variant="default" onClick={onClose}>
            {t('act.cancel')}
          </Button>
          <Button type="submit" className="button-danger" loading={ban.isPending}>
            {t('agents.ban')}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

/** Lets a banned agent in again. */
export function UnbanDialog({ agent, opened, onClose }: AgentDialogProps) {
  const { t } = useTranslation();
  const unban = useAct(
    () => client.POST('/api/v1/agents/{id}/unban', { params: { path: { id: agent.id } } }),
    ['agents', 'clusters', 'overview'],
    onClose,
  );
  return (
    <ConfirmDialog
      title={t('agents.unban_title', { name: agent.name })}
      act={t('agents.unban')}
      opened={opened}
      {...unban}
      onClose={onClose}
    >
      {t('agents.unban_text')}
    </ConfirmDialog>
  );
}

/** Takes an agent out of use for good. */
export function RetireDialog({ agent, opened, onClose }: AgentDialogProps) {
  const { t } = useTranslation();
  const [, change] = useView();
  const retire = useAct(
    () => client.DELETE('/api/v1/agents/{id}', { params: { path: { id: agent.id } } }),
    ['agents', 'clusters', 'overview'],
    // The list has it no more.
    () => change({ do: undefined, agent: undefined }),
  );
  return (
    <ConfirmDialog
      title={t('agents.retire_title', { name: agent.name })}
      act={t('agents.retire')}
      opened={opened}
      {...retire}
      onClose={onClose}
    >
      <Consequences agent={agent} act="retire" />
    </ConfirmDialog>
  );
}
