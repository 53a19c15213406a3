import { Button, NumberInput, Select, Switch } from '@mantine/core';
import { notifications as toasts } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, takeTagged, type Tagged } from '../../api/client';
import { invalidate, meQuery } from '../../api/queries';
import { notificationSettingsQuery } from '../../api/settings-queries';
import type { NotificationSettings as Settings } from '../../api/types';
import { ConflictNote, isConflict } from '../../components/ConflictNote';
import { LeaveGuard } from '../../components/LeaveGuard';
import { Lines, LoadError, ProblemNote, useFieldErrors } from '../../components/States';
import { LANGUAGES } from '../../i18n';
import { sameFields } from '../../lib/merge';
import { useMe } from '../../shell/session';
import { useChannelNames } from '../rule/ChannelsField';
import { escalatedOf, type Escalated } from '../rule/draft';
import { EscalationFields } from '../rule/EscalationFields';
import { PartWords } from '../rule/PartWords';
import { RhythmFields } from '../rule/RhythmFields';
import { MailPreview } from './MailPreview';
import { RecipientsField } from './RecipientsField';
import { Schedule } from './Schedule';
import { SuspendedRecipients } from './SuspendedRecipients';

/** When certificates are warned of, and whom; with what follows from it beside it. */
export function NotificationSettings() {
  const read = useQuery(notificationSettingsQuery);
  if (read.data === undefined) {
    return read.isError ? (
      <LoadError error={read.error} retry={() => void read.refetch()} />
    ) : (
      <Lines count={8} />
    );
  }
  // What was saved is the new ground of the form.
  return <NotificationForm key={read.data.etag} tagged={read.data} />;
}

/** Fields whose words have another name than they. */
const FIELD_WORDS: Record<string, string> = {
  language: 'settings.mail_language',
  digest_weekday: 'rules.weekday',
  digest_empty: 'rules.empty',
  escalation: 'rules.escalation',
};

type Form = Omit<Settings, 'suspended' | 'swept_at' | 'updated_at' | 'escalation'> & {
  escalation: Escalated | null;
};

function formOf(settings: Settings): Form {
  const { suspended: _suspended, swept_at: _swept, updated_at: _updated, ...form } = settings;
  return {
    ...form,
    digest_weekday: form.digest_weekday ?? null,
    escalation: escalatedOf(form.escalation),
  };
}

function NotificationForm({ tagged }: { tagged: Tagged<Settings> }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const mayChange = useMe().permissions.includes('manage_alerts');
  const [form, setForm] = useState(() => formOf(tagged.data));
  const save = useMutation({
    mutationFn: ({ body, etag }: { body: Form; etag: string | null }) =>
      takeTagged(
        client.PUT('/api/v1/settings/notifications', { params: { header: { 'If-Match': etag } }, body }),
      ),
    onSuccess: async () => {
      toasts.show({ message: t('settings.saved'), closeButtonProps: { 'aria-label': t('act.close') } });
      // The number of start days decides what counts as expiring everywhere.
      await Promise.all([
        invalidate(queries, 'settings', 'overview', 'clusters', 'certificates'),
        queries.invalidateQueries({ queryKey: meQuery.queryKey }),
      ]);
    },
  });
  const fieldError = useFieldErrors(save.error);
  const base = formOf(tagged.data);
  const changed = !sameFields(form, base);
  const nameOfChannel = useChannelNames();
  const sent = save.variables?.body.recipients ?? [];
  const suspended = tagged.data.suspended.map(({ recipient }) => recipient);
  const set = (part: Partial<Form>) => setForm((old) => ({ ...old, ...part }));
  const number = (
    name: 'start_days' | 'frequency_days' | 'repeat_expired_days' | 'repeat_expired_until_days',
  ) => ({
    label: t(`settings.${name}`),
    value: form[name],
    error: fieldError(name),
    disabled: !mayChange,
    allowDecimal: false,
    clampBehavior: 'none' as const,
    suffix: ` ${t('settings.days_unit')}`,
    onChange: (value: string | number) => set({ [name]: typeof value === 'number' ? value : 0 }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ body: form, etag: tagged.etag });
  };
  return (
    <>
      <form className="card settings-card" onSubmit={submit} aria-label={t('settings.notifications')}>
        {!mayChange && <p className="note note-muted">{t('settings.read_only')}</p>}
        {isConflict(save.error) ? (
          <ConflictNote
            base={base}
            mine={form}
            label={(field) => t(FIELD_WORDS[field] ?? `settings.${field}`, { defaultValue: field })}
            show={(field, value) => <PartWords part={field} value={value} nameOfChannel={nameOfChannel} />}
            read={async () => {
              const stored = await takeTagged(client.GET('/api/v1/settings/notifications'));
              return { ...stored, data: formOf(stored.data) };
            }}
            busy={save.isPending}
            onTheirs={() => void queries.refetchQueries({ queryKey: notificationSettingsQuery.queryKey })}
            onMine={(body, etag) => save.mutate({ body, etag })}
          />
        ) : (
          save.error !== null && <ProblemNote error={save.error} />
        )}
        <LeaveGuard changed={changed && mayChange} />
        <fieldset>
          <legend>{t('settings.whom')}</legend>
          <RecipientsField
            value={form.recipients}
            suspended={suspended}
            disabled={!mayChange}
            // The server names them by their place in what it was sent.
            errorOf={(address) =>
              sent.includes(address) ? fieldError(`recipients[${sent.indexOf(address)}]`) : undefined
            }
            error={fieldError('recipients')}
            onChange={(recipients) => set({ recipients })}
          />
          <SuspendedRecipients suspended={tagged.data.suspended} mayChange={mayChange} />
        </fieldset>
        <fieldset>
          <legend>{t('settings.when')}</legend>
          <div className="form-row">
            <NumberInput
              {...number('start_days')}
              min={30}
              max={365}
              description={t('settings.range', { from: 30, to: 365 })}
            />
            <NumberInput
              {...number('frequency_days')}
              min={1}
              max={30}
              // A digest has a frequency of its own.
              disabled={!mayChange || form.digest_weekday !== null}
              description={t('settings.range', { from: 1, to: 30 })}
            />
          </div>
          <RhythmFields
            weekday={form.digest_weekday ?? null}
            empty={form.digest_empty}
            disabled={!mayChange}
            error={fieldError('digest_weekday')}
            onChange={({ weekday, empty }) =>
              set({
                ...(weekday === undefined ? {} : { digest_weekday: weekday }),
                ...(empty === undefined ? {} : { digest_empty: empty }),
              })
            }
          />
          <div className="form-row">
            <HourSelect value={form.hour} disabled={!mayChange} onChange={(hour) => set({ hour })} />
            <ZoneSelect
              value={form.time_zone}
              disabled={!mayChange}
              error={fieldError('time_zone')}
              onChange={(time_zone) => set({ time_zone })}
            />
          </div>
        </fieldset>
        <fieldset>
          <legend>{t('rules.escalation')}</legend>
          <EscalationFields
            value={form.escalation}
            suspended={suspended}
            disabled={!mayChange}
            errorOf={fieldError}
            sent={save.variables?.body.escalation}
            onChange={(escalation) => set({ escalation })}
          />
        </fieldset>
        <fieldset>
          <legend>{t('settings.after')}</legend>
          <div className="form-row">
            <NumberInput
              {...number('repeat_expired_days')}
              min={0}
              max={30}
              description={t('settings.repeat_hint')}
            />
            <NumberInput
              {...number('repeat_expired_until_days')}
              min={0}
              max={365}
              description={t('settings.range', { from: 0, to: 365 })}
            />
          </div>
        </fieldset>
        <fieldset>
          <legend>{t('settings.what')}</legend>
          <Switch
            label={t('settings.include_trust')}
            description={t('settings.include_trust_hint')}
            disabled={!mayChange}
            checked={form.include_trust}
            onChange={(event) => set({ include_trust: event.currentTarget.checked })}
          />
          <Select
            label={t('settings.mail_language')}
            disabled={!mayChange}
            data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
            value={form.language}
            onChange={(language) => set({ language: language ?? form.language })}
          />
        </fieldset>
        {mayChange && (
          <div className="form-actions settings-save">
            <Button variant="default" disabled={!changed} onClick={() => setForm(formOf(tagged.data))}>
              {t('settings.reset')}
            </Button>
            <Button type="submit" disabled={!changed} loading={save.isPending}>
              {t('act.save')}
            </Button>
          </div>
        )}
      </form>
      <div className="settings-side">
        <Schedule form={form} sweptAt={tagged.data.swept_at} />
        <MailPreview language={tagged.data.language} to={tagged.data.recipients[0]} />
      </div>
    </>
  );
}

interface HourSelectProps {
  value: number;
  disabled: boolean;
  onChange: (hour: number) => void;
}

function HourSelect({ value, disabled, onChange }: HourSelectProps) {
  const { t, i18n } = useTranslation();
  const hours = useMemo(() => {
    const format = new Intl.DateTimeFormat(i18n.language, { timeStyle: 'short', timeZone: 'UTC' });
    return Array.from({ length: 24 }, (_, hour) => ({
      value: String(hour),
      label: format.format(new Date(Date.UTC(2000, 0, 1, hour))),
    }));
  }, [i18n.language]);
  return (
    <Select
      label={t('settings.hour')}
      data={hours}
      disabled={disabled}
      value={String(value)}
      onChange={(next) => onChange(Number(next ?? value))}
    />
  );
}

interface ZoneSelectProps {
  value: string;
  disabled: boolean;
  error: string | undefined;
  onChange: (zone: string) => void;
}

const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];

function ZoneSelect({ value, disabled, error, onChange }: ZoneSelectProps) {
  const { t } = useTranslation();
  return (
    <Select
      label={t('settings.time_zone')}
      searchable
      limit={60}
      data={ZONES.includes(value) ? ZONES : [value, ...ZONES]}
      disabled={disabled}
      value={value}
      error={error}
      nothingFoundMessage={t('list.no_match')}
      onChange={(zone) => onChange(zone ?? value)}
    />
  );
}
