import { Button, Checkbox, PasswordInput, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconKey } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take, takeTagged } from '../../api/client';
import { invalidate } from '../../api/queries';
import type { Channel, ChannelKind } from '../../api/types';
import { ConflictNote, isConflict } from '../../components/ConflictNote';
import { Command } from '../../components/Copy';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { makeSecret } from '../../lib/secret';
import { versionOf } from './ChannelDialogs';

const KINDS: ChannelKind[] = ['generic', 'slack', 'teams', 'pagerduty'];
/** Kinds that have a secret: the one that signs, and the routing key. */
const WITH_SECRET: ChannelKind[] = ['generic', 'pagerduty'];

interface ChannelFormProps {
  /** The one that is changed; none: a new one. */
  channel: Channel | undefined;
  /** A secret that was made here is on screen, for this once. */
  onSecret: () => void;
  onClose: () => void;
}

/** What two people may have changed at once; URL and secret are never answered. */
type Form = { name: string; enabled: boolean; rules_only: boolean; ca_pem: string | null };

const formOf = (channel: Channel): Form => ({
  name: channel.name,
  enabled: channel.enabled,
  rules_only: channel.rules_only,
  ca_pem: channel.ca_pem ?? null,
});

/** What a receiver is called, where it is, and how it knows that a call is genuine. */
export function ChannelForm({ channel, onSecret, onClose }: ChannelFormProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState(channel?.name ?? '');
  const [kind, setKind] = useState<ChannelKind>(channel?.kind ?? 'generic');
  const [url, setUrl] = useState('');
  const [plain, setPlain] = useState(false);
  const [secret, setSecret] = useState('');
  const [made, setMade] = useState(false);
  const [unsigned, setUnsigned] = useState(false);
  const [caPem, setCaPem] = useState(channel?.ca_pem ?? '');
  const [rulesOnly, setRulesOnly] = useState(channel?.rules_only ?? false);
  const [enabled, setEnabled] = useState(channel?.enabled ?? true);
  const form: Form = { name, enabled, rules_only: rulesOnly, ca_pem: caPem.trim() === '' ? null : caPem };
  const save = useMutation({
    mutationFn: ({ body, etag }: { body: Form; etag?: string | null }) => {
      const address = url.trim() === '' ? {} : { url: url.trim(), allow_plaintext: plain };
      if (channel === undefined) {
        return take(
          client.POST('/api/v1/channels', {
            body: { ...body, kind, ...address, ...(secret === '' ? {} : { secret }) },
          }),
        );
      }
      // What is left out stays as it is.
      const kept = secret === '' ? (unsigned ? { secret: null } : {}) : { secret };
      return take(
        client.PATCH('/api/v1/channels/{id}', {
          params: { path: { id: channel.id }, header: { 'If-Match': etag ?? versionOf(channel) } },
          body: { ...body, ...address, ...kept },
        }),
      );
    },
    onSuccess: async () => {
      if (made) onSecret();
      else onClose();
      await invalidate(queries, 'settings', 'overview');
    },
  });
  const fieldError = useFieldErrors(save.error);
  if (save.isSuccess && made) {
    return (
      <div className="form">
        <p>{t('channels.secret_once')}</p>
        <Command text={secret} label={t('channels.secret')} />
        <p className="dim">{t('channels.secret_use')}</p>
        <div className="form-actions">
          <Button onClick={onClose}>{t('act.close')}</Button>
        </div>
      </div>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ body: form });
  };
  const secretLabel = t(kind === 'pagerduty' ? 'channels.routing_key' : 'channels.secret');
  const optionalUrl = channel !== undefined || kind === 'pagerduty';
  return (
    <form className="form" onSubmit={submit}>
      {isConflict(save.error) && channel !== undefined ? (
        <ConflictNote
          base={formOf(channel)}
          mine={form}
          label={(field) => t(`channels.field.${field}`)}
          read={async () => {
            const now = await takeTagged(
              client.GET('/api/v1/channels/{id}', { params: { path: { id: channel.id } } }),
            );
            return { ...now, data: formOf(now.data) };
          }}
          busy={save.isPending}
          onTheirs={() => {
            onClose();
            void invalidate(queries, 'settings');
          }}
          onMine={(body, etag) => save.mutate({ body, etag })}
        />
      ) : (
        save.error !== null && <ProblemNote error={save.error} />
      )}
      <TextInput
        label={t('field.name')}
        required
        withAsterisk={false}
        data-autofocus
        maxLength={200}
        value={name}
        error={fieldError('name')}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      {channel === undefined && (
        <Select
          label={t('col.type')}
          description={t(`channel_kind.${kind}_text`)}
          allowDeselect={false}
          data={KINDS.map((value) => ({ value, label: t(`channel_kind.${value}`) }))}
          value={kind}
          error={fieldError('kind')}
          onChange={(next) => {
            setKind(KINDS.find((value) => value === next) ?? kind);
            setSecret('');
            setMade(false);
          }}
        />
      )}
      <TextInput
        label="URL"
        description={
          channel === undefined
            ? t(kind === 'pagerduty' ? 'channels.url_pagerduty' : 'channels.url_hint')
            : t('channels.url_stored', { origin: channel.origin })
        }
        type="url"
        required={!optionalUrl}
        withAsterisk={false}
        placeholder="https://hooks.example.org/certyard"
        spellCheck={false}
        autoComplete="off"
        value={url}
        error={fieldError('url')}
        onChange={(event) => setUrl(event.currentTarget.value)}
      />
      {/^http:/i.test(url.trim()) && (
        <Checkbox
          label={t('channels.plain')}
          checked={plain}
          error={fieldError('allow_plaintext')}
          onChange={(event) => setPlain(event.currentTarget.checked)}
        />
      )}
      {WITH_SECRET.includes(kind) && (
        <div className="secret-row">
          <PasswordInput
            label={secretLabel}
            description={
              channel?.has_secret === true
                ? t('channels.secret_stored')
                : t(kind === 'pagerduty' ? 'channels.routing_key_hint' : 'channels.secret_hint')
            }
            required={kind === 'pagerduty' && channel === undefined}
            withAsterisk={false}
            autoComplete="new-password"
            disabled={unsigned}
            value={secret}
            error={fieldError('secret')}
            visibilityToggleButtonProps={{ 'aria-label': t('act.show_password') }}
            onChange={(event) => {
              setSecret(event.currentTarget.value);
              setMade(false);
            }}
          />
          {kind === 'generic' && (
            <Button
              variant="default"
              leftSection={<IconKey size={16} aria-hidden />}
              disabled={unsigned}
              onClick={() => {
                setSecret(makeSecret());
                setMade(true);
              }}
            >
              {t('channels.make_secret')}
            </Button>
          )}
        </div>
      )}
      {made && <p className="dim">{t('channels.secret_made')}</p>}
      {kind === 'generic' && channel?.has_secret === true && (
        <Checkbox
          label={t('channels.unsigned')}
          checked={unsigned}
          onChange={(event) => {
            setUnsigned(event.currentTarget.checked);
            setSecret('');
            setMade(false);
          }}
        />
      )}
      <Textarea
        label={t('channels.field.ca_pem')}
        description={t('channels.ca_hint')}
        placeholder="-----BEGIN CERTIFICATE-----"
        autosize
        minRows={2}
        maxRows={6}
        spellCheck={false}
        value={caPem}
        error={fieldError('ca_pem')}
        onChange={(event) => setCaPem(event.currentTarget.value)}
      />
      <Switch
        label={t('channels.enabled')}
        description={t('channels.enabled_hint')}
        checked={enabled}
        onChange={(event) => setEnabled(event.currentTarget.checked)}
      />
      <Switch
        label={t('channels.rules_only')}
        description={t('channels.rules_only_hint')}
        checked={rulesOnly}
        onChange={(event) => setRulesOnly(event.currentTarget.checked)}
      />
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" loading={save.isPending}>
          {channel === undefined ? t('channels.add') : t('act.save')}
        </Button>
      </div>
    </form>
  );
}
