import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { meQuery, setupQuery } from '../api/queries';
import { Doorway } from '../components/Doorway';
import { ProblemNote, useFieldErrors } from '../components/States';

const EMPTY = { code: '', organisation: '', name: '', email: '', password: '' };
type Field = keyof typeof EMPTY;

interface FieldLook {
  name: Field;
  label: string;
  hint?: string;
  autoComplete: string;
}

const FIELDS: FieldLook[] = [
  { name: 'code', label: 'setup.code', hint: 'setup.code_hint', autoComplete: 'off' },
  { name: 'organisation', label: 'setup.organisation', autoComplete: 'organization' },
  { name: 'name', label: 'field.your_name', autoComplete: 'name' },
  { name: 'email', label: 'field.email', autoComplete: 'username' },
];

/** The first owner: with the code that the program printed at its first start. */
export function SetupPage() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [values, setValues] = useState(EMPTY);
  useEffect(() => {
    document.title = `${t('setup.title')} · Certyard`;
  }, [t]);

  const setup = useMutation({
    mutationFn: () => take(client.POST('/api/v1/setup', { body: values })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: setupQuery.queryKey });
      await queries.invalidateQueries({ queryKey: meQuery.queryKey });
      await navigate({ to: '/clusters' });
    },
  });
  const change = (field: Field, value: string) => setValues((old) => ({ ...old, [field]: value }));
  const fieldError = useFieldErrors(setup.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setup.mutate();
  };
  return (
    <Doorway title={t('setup.title')} lead={t('setup.lead')}>
      <form className="form" onSubmit={submit}>
        {setup.error !== null && <ProblemNote error={setup.error} />}
        {FIELDS.map(({ name, label, hint, autoComplete }) => (
          <TextInput
            key={name}
            name={name}
            size="md"
            label={t(label)}
            description={hint === undefined ? undefined : t(hint)}
            type={name === 'email' ? 'email' : 'text'}
            autoComplete={autoComplete}
            required
            withAsterisk={false}
            autoFocus={name === 'code'}
            value={values[name]}
            error={fieldError(name)}
            onChange={(event) => change(name, event.currentTarget.value)}
          />
        ))}
        <PasswordInput
          name="password"
          size="md"
          label={t('field.password')}
          description={t('setup.password_hint')}
          autoComplete="new-password"
          required
          withAsterisk={false}
          minLength={12}
          visibilityToggleButtonProps={{ 'aria-label': t('act.show_password') }}
          value={values.password}
          error={fieldError('password')}
          onChange={(event) => change('password', event.currentTarget.value)}
        />
        <Button type="submit" size="md" fullWidth loading={setup.isPending}>
          {t('setup.submit')}
        </Button>
      </form>
    </Doorway>
  );
}
