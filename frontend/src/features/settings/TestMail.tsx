import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { IconMailCheck, IconMailX, IconSend } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { useMe } from '../../shell/session';

/** Sends one mail by the stored settings, and shows what the mail server itself answered. */
export function TestMail({ to: first }: { to: string | undefined }) {
  const { t } = useTranslation();
  const me = useMe();
  const [to, setTo] = useState(first ?? me.user.email ?? '');
  const test = useMutation({
    mutationFn: () => take(client.POST('/api/v1/settings/mail/test', { body: { to } })),
  });
  const fieldError = useFieldErrors(test.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    test.mutate();
  };
  if (!me.permissions.includes('manage_alerts')) return null;
  return (
    <form className="test-mail" onSubmit={submit}>
      <div className="test-mail-row">
        <TextInput
          label={t('settings.test_to')}
          type="email"
          required
          withAsterisk={false}
          value={to}
          error={fieldError('to')}
          onChange={(event) => setTo(event.currentTarget.value)}
        />
        <Button
          type="submit"
          variant="default"
          leftSection={<IconSend size={16} aria-hidden />}
          loading={test.isPending}
        >
          {t('settings.test_send')}
        </Button>
      </div>
      <div role="status">
        {test.data !== undefined && (
          <div className={test.data.accepted ? 'note note-valid' : 'note note-expired'}>
            {test.data.accepted ? (
              <IconMailCheck size={18} aria-hidden />
            ) : (
              <IconMailX size={18} aria-hidden />
            )}
            <div>
              <strong>
                {test.data.accepted
                  ? t('settings.test_accepted')
                  : t('settings.test_failed', {
                      step: t(`mail_step.${test.data.step ?? 'connect'}`, {
                        defaultValue: test.data.step ?? '',
                      }),
                    })}
              </strong>
              <code className="reply">{test.data.reply}</code>
            </div>
          </div>
        )}
        {test.error !== null && <ProblemNote error={test.error} />}
      </div>
    </form>
  );
}
