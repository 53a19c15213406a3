import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { useEffect, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { meQuery } from '../api/queries';
import { Doorway } from '../components/Doorway';
import { ProblemNote } from '../components/States';
import { safeReturnPath } from '../lib/search';

export function SignInPage() {
  const { t } = useTranslation();
  const { to } = useSearch({ from: '/sign-in' });
  const router = useRouter();
  const queries = useQueryClient();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  useEffect(() => {
    document.title = `${t('signin.title')} · Certyard`;
  }, [t]);

  const signIn = useMutation({
    mutationFn: () => take(client.POST('/api/v1/sessions', { body: { email, password } })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: meQuery.queryKey });
      router.history.push(safeReturnPath(to));
    },
    onError: () => setPassword(''),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <Doorway title={t('signin.title')} lead={t('signin.lead')}>
      <form className="form" onSubmit={submit}>
        {signIn.error !== null && <ProblemNote error={signIn.error} />}
        <TextInput
          label={t('field.email')}
          name="email"
          type="email"
          size="md"
          autoComplete="username"
          autoFocus
          required
          withAsterisk={false}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label={t('field.password')}
          name="password"
          size="md"
          autoComplete="current-password"
          required
          withAsterisk={false}
          visibilityToggleButtonProps={{ 'aria-label': t('act.show_password') }}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" size="md" fullWidth loading={signIn.isPending}>
          {t('signin.submit')}
        </Button>
      </form>
    </Doorway>
  );
}
