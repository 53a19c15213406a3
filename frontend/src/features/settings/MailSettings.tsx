import {
  Button,
  Checkbox,
  NumberInput,
  PasswordInput,
  SegmentedControl,
  Textarea,
  TextInput,
} from '@mantine/core';
import { notifications as toasts } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconMailOff } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, takeTagged, type Tagged } from '../../api/client';
import { invalidate } from '../../api/queries';
import { mailSettingsQuery } from '../../api/settings-queries';
import type { MailServerSettings } from '../../api/types';
import { ConflictNote, isConflict } from '../../components/ConflictNote';
import { LeaveGuard } from '../../components/LeaveGuard';
import { Lines, LoadError, ProblemNote, useFieldErrors } from '../../components/States';
import { Time } from '../../components/Time';
import { sameFields } from '../../lib/merge';
import { useMe } from '../../shell/session';
import { TestMail } from './TestMail';

type Security = MailServerSettings['security'];

const SECURITIES: Security[] = ['starttls', 'tls', 'none'];
const PORTS: Record<Security, number> = { starttls: 587, tls: 465, none: 25 };

/** The server that mails leave by. */
export function MailSettings() {
  const read = useQuery(mailSettingsQuery);
  if (read.data === undefined) {
    return read.isError ? (
      <LoadError error={read.error} retry={() => void read.refetch()} />
    ) : (
      <Lines count={8} />
    );
  }
  return <MailForm key={read.data.etag} tagged={read.data} />;
}

type Form = Pick<MailServerSettings, 'host' | 'port' | 'security' | 'from_address' | 'from_name'> & {
  username: string | null;
  ca_pem: string | null;
};

/** What of the stored settings stands in the form. */
function formOf(settings: MailServerSettings): Form {
  const { host, port, security, from_address, from_name } = settings;
  return {
    host,
    port,
    security,
    username: settings.username ?? null,
    from_address,
    from_name,
    ca_pem: settings.ca_pem ?? null,
  };
}

function MailForm({ tagged }: { tagged: Tagged<MailServerSettings> }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayChange = useMe().permissions.includes('manage_alerts');
  const stored = tagged.data;
  const [host, setHost] = useState(stored.host);
  const [security, setSecurity] = useState<Security>(stored.configured ? stored.security : 'starttls');
  const [port, setPort] = useState(stored.configured ? stored.port : PORTS.starttls);
  const [username, setUsername] = useState(stored.username ?? '');
  const [password, setPassword] = useState('');
  const [fromAddress, setFromAddress] = useState(stored.from_address);
  const [fromName, setFromName] = useState(stored.from_name === '' ? 'Certyard' : stored.from_name);
  const [caPem, setCaPem] = useState(stored.ca_pem ?? '');
  const [plain, setPlain] = useState(stored.configured && stored.security === 'none');
  const form: Form = {
    host,
    port,
    security,
    username: username === '' ? null : username,
    from_address: fromAddress,
    from_name: fromName,
    ca_pem: caPem.trim() === '' || security === 'none' ? null : caPem,
  };
  const save = useMutation({
    mutationFn: ({ body, etag }: { body: Form; etag: string | null }) =>
      takeTagged(
        client.PUT('/api/v1/settings/mail', {
          params: { header: { 'If-Match': etag } },
          body: {
            ...body,
            allow_plaintext: body.security === 'none' && plain,
            // Left out: the stored one stays.
            ...(body.username === null ? { password: null } : password === '' ? {} : { password }),
          },
        }),
      ),
    onSuccess: async () => {
      toasts.show({ message: t('settings.saved'), closeButtonProps: { 'aria-label': t('act.close') } });
      await invalidate(queries, 'settings', 'overview');
    },
  });
  const fieldError = useFieldErrors(save.error);
  const base = formOf(stored);
  const begun = stored.configured
    ? base
    : { ...base, security, port: PORTS[security], from_name: 'Certyard' };
  const changed = password !== '' || !sameFields(form, begun);
  const choose = (next: string) => {
    const chosen = SECURITIES.find((name) => name === next) ?? security;
    if (port === PORTS[security]) setPort(PORTS[chosen]);
    setSecurity(chosen);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ body: form, etag: tagged.etag });
  };
  return (
    <>
      <form className="card settings-card" onSubmit={submit} aria-label={t('settings.mail')}>
        {!mayChange && <p className="note note-muted">{t('settings.read_only')}</p>}
        {!stored.configured && (
          <div className="note note-warning">
            <IconMailOff size={18} aria-hidden />
            <div>{t('settings.mail_none')}</div>
          </div>
        )}
        {isConflict(save.error) ? (
          <ConflictNote
            base={base}
            mine={form}
            label={(field) => t(`settings.${field === 'ca_pem' ? 'ca' : field}`, { defaultValue: field })}
            read={async () => {
              const now = await takeTagged(client.GET('/api/v1/settings/mail'));
              return { ...now, data: formOf(now.data) };
            }}
            busy={save.isPending}
            onTheirs={() => void queries.refetchQueries({ queryKey: mailSettingsQuery.queryKey })}
            onMine={(body, etag) => save.mutate({ body, etag })}
          />
        ) : (
          save.error !== null && <ProblemNote error={save.error} />
        )}
        <LeaveGuard changed={changed && mayChange} />
        <fieldset disabled={!mayChange}>
          <legend>{t('settings.connection')}</legend>
          <div className="form-row form-row-wide">
            <TextInput
              label={t('settings.host')}
              required
              withAsterisk={false}
              placeholder="mail.example.org"
              value={host}
              error={fieldError('host')}
              onChange={(event) => setHost(event.currentTarget.value)}
            />
            <NumberInput
              label={t('settings.port')}
              min={1}
              max={65535}
              allowDecimal={false}
              clampBehavior="none"
              hideControls
              value={port}
              error={fieldError('port')}
              onChange={(value) => setPort(typeof value === 'number' ? value : 0)}
            />
          </div>
          <div>
            <span className="field-label" id="security-label">
              {t('settings.security')}
            </span>
            <SegmentedControl
              fullWidth
              aria-labelledby="security-label"
              data={SECURITIES.map((name) => ({ value: name, label: t(`security.${name}`) }))}
              value={security}
              disabled={!mayChange}
              onChange={choose}
            />
            <p className="dim field-note">{t(`security.${security}_text`)}</p>
          </div>
          {security === 'none' && (
            <Checkbox
              label={t('settings.plain')}
              checked={plain}
              error={fieldError('allow_plaintext')}
              onChange={(event) => setPlain(event.currentTarget.checked)}
            />
          )}
        </fieldset>
        <fieldset disabled={!mayChange}>
          <legend>{t('settings.sign_in')}</legend>
          <div className="form-row">
            <TextInput
              label={t('settings.username')}
              description={t('settings.username_hint')}
              value={username}
              error={fieldError('username')}
              onChange={(event) => setUsername(event.currentTarget.value)}
            />
            <PasswordInput
              label={t('field.password')}
              description={
                stored.has_password ? t('settings.password_stored') : t('settings.password_sealed')
              }
              value={password}
              disabled={username === ''}
              autoComplete="new-password"
              visibilityToggleButtonProps={{ 'aria-label': t('act.show_password') }}
              error={fieldError('password')}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
          </div>
        </fieldset>
        <fieldset disabled={!mayChange}>
          <legend>{t('settings.sender')}</legend>
          <div className="form-row">
            <TextInput
              label={t('settings.from_address')}
              type="email"
              required
              withAsterisk={false}
              placeholder="certyard@example.org"
              value={fromAddress}
              error={fieldError('from_address')}
              onChange={(event) => setFromAddress(event.currentTarget.value)}
            />
            <TextInput
              label={t('settings.from_name')}
              value={fromName}
              error={fieldError('from_name')}
              onChange={(event) => setFromName(event.currentTarget.value)}
            />
          </div>
        </fieldset>
        {security !== 'none' && (
          <fieldset disabled={!mayChange}>
            <legend>{t('settings.ca')}</legend>
            <Textarea
              aria-label={t('settings.ca')}
              description={t('settings.ca_hint')}
              placeholder="-----BEGIN CERTIFICATE-----"
              autosize
              minRows={2}
              maxRows={8}
              spellCheck={false}
              value={caPem}
              error={fieldError('ca_pem')}
              onChange={(event) => setCaPem(event.currentTarget.value)}
            />
          </fieldset>
        )}
        {mayChange && (
          <div className="form-actions settings-save">
            <Button type="submit" loading={save.isPending}>
              {t('act.save')}
            </Button>
          </div>
        )}
      </form>
      <div className="settings-side">
        <section className="card settings-card" aria-labelledby="test-title">
          <h2 id="test-title">{t('settings.test')}</h2>
          <p className="dim">{stored.configured ? t('settings.test_text') : t('settings.test_first')}</p>
          {stored.configured && <TestMail to={undefined} />}
          {stored.updated_at != null && (
            <p className="dim">
              {t('settings.changed')} <Time value={stored.updated_at} />
            </p>
          )}
        </section>
      </div>
    </>
  );
}
