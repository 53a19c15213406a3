import { Button, Modal } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconCircleCheck, IconCircleX, IconSend } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { invalidate } from '../../api/queries';
import type { Channel } from '../../api/types';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { ProblemNote } from '../../components/States';
import { useAct } from '../../lib/use-act';

interface ChannelDialogProps {
  channel: Channel;
  opened: boolean;
  onClose: () => void;
}

/** The version that an edit or the deletion names. */
export const versionOf = (channel: Channel) => `"${channel.revision}"`;

/** Calls a channel once, and shows what the receiver itself answered. */
export function TestChannel({ channel, opened, onClose }: ChannelDialogProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const test = useMutation({
    mutationFn: () =>
      take(client.POST('/api/v1/channels/{id}/test', { params: { path: { id: channel.id } } })),
    onSuccess: () => invalidate(queries, 'settings', 'messages'),
  });
  const close = () => {
    test.reset();
    onClose();
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t('channels.test_title', { name: channel.name })}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <div className="form">
        <p>{t('channels.test_text', { origin: channel.origin })}</p>
        <div role="status">
          {test.data !== undefined && (
            <div className={test.data.accepted ? 'note note-valid' : 'note note-expired'}>
              {test.data.accepted ? (
                <IconCircleCheck size={18} aria-hidden />
              ) : (
                <IconCircleX size={18} aria-hidden />
              )}
              <div>
                <strong>{t(test.data.accepted ? 'channels.test_accepted' : 'channels.test_refused')}</strong>
                <code className="reply">{test.data.reply}</code>
              </div>
            </div>
          )}
          {test.error !== null && <ProblemNote error={test.error} />}
        </div>
        <div className="form-actions">
          <Button variant="default" onClick={close}>
            {t('act.close')}
          </Button>
          <Button
            data-autofocus
            leftSection={<IconSend size={16} aria-hidden />}
            loading={test.isPending}
            onClick={() => test.mutate()}
          >
            {t('channels.test_send')}
          </Button>
        </div>
      </div>
    </Modal>
  );
}

/** Deletes a channel. */
export function DeleteChannel({ channel, opened, onClose }: ChannelDialogProps) {
  const { t } = useTranslation();
  const remove = useAct(
    () =>
      client.DELETE('/api/v1/channels/{id}', {
        params: { path: { id: channel.id }, header: { 'If-Match': versionOf(channel) } },
      }),
    ['settings', 'overview', 'messages'],
    onClose,
  );
  return (
    <ConfirmDialog
      title={t('channels.delete_title', { name: channel.name })}
      act={t('channels.delete')}
      opened={opened}
      {...remove}
      onClose={onClose}
    >
      {t('channels.delete_text')}
    </ConfirmDialog>
  );
}
