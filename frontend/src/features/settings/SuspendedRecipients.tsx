import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconMailX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { invalidate } from '../../api/queries';
import type { NotificationSettings } from '../../api/types';
import { ProblemNote } from '../../components/States';
import { Time } from '../../components/Time';

interface SuspendedRecipientsProps {
  suspended: NotificationSettings['suspended'];
  mayChange: boolean;
}

/** To whom nothing is sent any more, what their mail server said, and the way to try again. */
export function SuspendedRecipients({ suspended, mayChange }: SuspendedRecipientsProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const resume = useMutation({
    mutationFn: (recipient: string) =>
      take(client.POST('/api/v1/settings/notifications/resume', { body: { recipient } })),
    onSuccess: () => invalidate(queries, 'settings', 'overview', 'messages'),
  });
  if (suspended.length === 0) return null;
  return (
    <div className="note note-expired">
      <IconMailX size={18} aria-hidden />
      <div className="suspended">
        <strong>{t('settings.suspended', { count: suspended.length })}</strong>
        {resume.error !== null && <ProblemNote error={resume.error} />}
        <ul>
          {suspended.map(({ recipient, reply, since }) => (
            <li key={recipient} className="named">
              <span>
                {recipient} · <Time value={since} />
                <code>{reply}</code>
              </span>
              {mayChange && (
                <Button
                  variant="default"
                  size="xs"
                  aria-label={`${t('settings.resume')}: ${recipient}`}
                  loading={resume.isPending && resume.variables === recipient}
                  onClick={() => resume.mutate(recipient)}
                >
                  {t('settings.resume')}
                </Button>
              )}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
