import { Button, Modal } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { IconKey } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import type { NewJoinToken } from '../../api/types';
import { Command } from '../../components/Copy';
import { ProblemNote } from '../../components/States';
import { Time } from '../../components/Time';

/** Makes a join token and shows the one command that spends it. The token is shown this once. */
export function JoinAgent() {
  const { t } = useTranslation();
  const make = useMutation({
    mutationFn: () => take(client.POST('/api/v1/join-tokens', { body: {} })),
  });
  if (make.data !== undefined) return <JoinCommand token={make.data} />;
  return (
    <div className="step-body">
      {make.error !== null && <ProblemNote error={make.error} />}
      <div>
        <Button
          variant="default"
          data-autofocus
          leftSection={<IconKey size={16} aria-hidden />}
          loading={make.isPending}
          onClick={() => make.mutate()}
        >
          {t('join.make')}
        </Button>
      </div>
    </div>
  );
}

/** The command that spends a join token. */
export function JoinCommand({ token }: { token: NewJoinToken }) {
  const { t } = useTranslation();
  return (
    <div className="step-body">
      <p>{t('join.run')}</p>
      <Command text={token.command} label={t('join.command')} />
      <p className="dim">
        {t('join.once')} <Time value={token.expires_at} show="dateTime" />
      </p>
    </div>
  );
}

export function JoinAgentDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={t('join.title')}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <p className="dim">{t('join.text')}</p>
      <JoinAgent />
    </Modal>
  );
}
