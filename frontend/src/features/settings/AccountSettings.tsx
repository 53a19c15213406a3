import { Button, PasswordInput } from '@mantine/core';
import { notifications as toasts } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { invalidate } from '../../api/queries';
import { sessionsQuery } from '../../api/settings-queries';
import { Badge } from '../../components/Badge';
import { Lines, LoadError, ProblemNote, useFieldErrors } from '../../components/States';
import { Time } from '../../components/Time';

/** One's own password and sessions. */
export function AccountSettings() {
  return (
    <>
      <PasswordForm />
      <div className="settings-side">
        <Sessions />
      </div>
    </>
  );
}

function PasswordForm() {
  const { t } = useTranslation();
  const [present, setPresent] = useState('');
  const [fresh, setFresh] = useState('');
  const change = useMutation({
    mutationFn: () =>
      take(client.POST('/api/v1/me/password', { body: { present_password: present, new_password: fresh } })),
    onSuccess: () => {
      setPresent('');
      setFresh('');
      toasts.show({
        message: t('settings.password_changed'),
        closeButtonProps: { 'aria-label': t('act.close') },
      });
    },
  });
  const fieldError = useFieldErrors(change.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  const eye = { 'aria-label': t('act.show_password') };
  return (
    <form className="card settings-card" onSubmit={submit} aria-labelledby="password-title">
      <h2 id="password-title">{t('settings.password')}</h2>
      {change.error !== null && <ProblemNote error={change.error} />}
      <PasswordInput
        label={t('settings.password_present')}
        autoComplete="current-password"
        required
        withAsterisk={false}
        visibilityToggleButtonProps={eye}
        value={present}
        error={fieldError('present_password')}
        onChange={(event) => setPresent(event.currentTarget.value)}
      />
      <PasswordInput
        label={t('settings.password_new')}
        description={t('setup.password_hint')}
        autoComplete="new-password"
        required
        withAsterisk={false}
        minLength={12}
        visibilityToggleButtonProps={eye}
        value={fresh}
        error={fieldError('password')}
        onChange={(event) => setFresh(event.currentTarget.value)}
      />
      <div className="form-actions">
        <Button type="submit" loading={change.isPending}>
          {t('settings.password_change')}
        </Button>
      </div>
    </form>
  );
}

/** `Firefox`, `Chrome`: as much of a user agent as people tell apart. */
function browserName(userAgent: string): string {
  const known = ['Edg', 'Firefox', 'Chromium', 'Chrome', 'Safari'].find((name) => userAgent.includes(name));
  return known === 'Edg' ? 'Edge' : (known ?? userAgent.split(/[ /]/)[0] ?? userAgent);
}

function Sessions() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const sessions = useQuery(sessionsQuery);
  const end = useMutation({
    mutationFn: (id: string) => take(client.DELETE('/api/v1/sessions/{id}', { params: { path: { id } } })),
    onSuccess: () => invalidate(queries, 'settings'),
  });
  return (
    <section className="card settings-card" aria-labelledby="sessions-title">
      <h2 id="sessions-title">{t('settings.sessions')}</h2>
      {end.error !== null && <ProblemNote error={end.error} />}
      {sessions.data === undefined ? (
        sessions.isError ? (
          <LoadError error={sessions.error} retry={() => void sessions.refetch()} />
        ) : (
          <Lines count={3} />
        )
      ) : (
        <ul className="sessions">
          {sessions.data.items.map((session) => (
            <li key={session.id}>
              <span className="cell-main">
                <span className="cell-name">
                  {browserName(session.user_agent)}{' '}
                  {session.current && <Badge tone="valid">{t('settings.session_current')}</Badge>}
                </span>
                <span className="cell-second">
                  <span className="mono">{session.address}</span>
                  <span>
                    <Time value={session.last_seen_at} />
                  </span>
                </span>
              </span>
              {!session.current && (
                <Button
                  variant="default"
                  size="xs"
                  loading={end.isPending && end.variables === session.id}
                  onClick={() => end.mutate(session.id)}
                >
                  {t('settings.session_end')}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
