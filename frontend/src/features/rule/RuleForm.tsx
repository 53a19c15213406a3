import { Button, Switch, TextInput } from '@mantine/core';
import { notifications as toasts } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take, type Tagged } from '../../api/client';
import { invalidate } from '../../api/queries';
import { notificationSettingsQuery, readRule, ruleQuery } from '../../api/settings-queries';
import type { NotificationRule } from '../../api/types';
import { ConflictNote, isConflict } from '../../components/ConflictNote';
import { LeaveGuard } from '../../components/LeaveGuard';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { sameFields } from '../../lib/merge';
import { useMe } from '../../shell/session';
import { RecipientsField } from '../settings/RecipientsField';
import { ChannelsField, useChannelNames } from './ChannelsField';
import { bodyOf, draftOf, EMPTY_DRAFT, listErrors, type Draft } from './draft';
import { EscalationFields } from './EscalationFields';
import { PaceFields } from './PaceFields';
import { PartWords } from './PartWords';
import { RulePreview } from './RulePreview';
import { ScopeFields } from './ScopeFields';

/** What each part of a rule, or field of the API, is called in the form. */
const FIELD_WORDS: Record<string, string> = {
  name: 'field.name',
  enabled: 'rules.enabled',
  scope: 'rules.covered',
  pace: 'settings.when',
  recipients: 'settings.recipients',
  channels: 'settings.channels',
  instead_of_default: 'rules.instead',
  escalation: 'rules.escalation',
  start: 'rules.start',
  frequency: 'rules.every',
  mode: 'rules.mode',
  digest: 'rules.weekday',
};

/** A rule: whom it tells of what and when, with what follows from it beside it. */
export function RuleForm({ tagged }: { tagged: Tagged<NotificationRule> | undefined }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const mayChange = useMe().permissions.includes('manage_alerts');
  const base = tagged === undefined ? EMPTY_DRAFT : draftOf(tagged.data);
  const [draft, setDraft] = useState(base);
  const [done, setDone] = useState(false);
  const nameOfChannel = useChannelNames();
  const settings = useQuery(notificationSettingsQuery).data?.data;
  const suspended = settings?.suspended.map(({ recipient }) => recipient) ?? [];
  const save = useMutation({
    mutationFn: ({ mine, etag }: { mine: Draft; etag: string | null }) =>
      tagged === undefined
        ? take(client.POST('/api/v1/settings/notifications/rules', { body: bodyOf(mine) }))
        : take(
            client.PUT('/api/v1/settings/notifications/rules/{id}', {
              params: { path: { id: tagged.data.id }, header: { 'If-Match': etag } },
              body: bodyOf(mine),
            }),
          ),
    onSuccess: () => {
      toasts.show({ message: t('settings.saved'), closeButtonProps: { 'aria-label': t('act.close') } });
      setDone(true);
      void invalidate(queries, 'settings', 'overview');
    },
  });
  const toList = () => void navigate({ to: '/settings/$tab', params: { tab: 'rules' } });
  // After the guard knows that nothing is lost by leaving.
  useEffect(() => {
    if (done) toList();
  }, [done]);
  const fieldError = useFieldErrors(save.error);
  const sent = save.variables?.mine;
  const changed = !sameFields(draft, base);
  const set = (part: Partial<Draft>) => setDraft((old) => ({ ...old, ...part }));
  const nameOf = (field: string) => {
    const part = field.split(/[_.[]/)[0] ?? '';
    const words = FIELD_WORDS[field] ?? FIELD_WORDS[part];
    return words === undefined ? undefined : t(words);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ mine: draft, etag: tagged?.etag ?? null });
  };
  return (
    <div className="settings">
      <form className="card settings-card" onSubmit={submit} aria-label={t('rules.one')}>
        {!mayChange && <p className="note note-muted">{t('settings.read_only')}</p>}
        {isConflict(save.error) && tagged !== undefined ? (
          <ConflictNote
            base={base}
            mine={draft}
            label={(field) => t(FIELD_WORDS[field] ?? field)}
            show={(field, value) => <PartWords part={field} value={value} nameOfChannel={nameOfChannel} />}
            read={async () => {
              const stored = await readRule(tagged.data.id);
              return { ...stored, data: draftOf(stored.data) };
            }}
            busy={save.isPending}
            onTheirs={() => void queries.refetchQueries({ queryKey: ruleQuery(tagged.data.id).queryKey })}
            onMine={(mine, etag) => save.mutate({ mine, etag })}
          />
        ) : (
          save.error !== null && <ProblemNote error={save.error} nameOf={nameOf} />
        )}
        <LeaveGuard changed={changed && mayChange && !done} />
        <fieldset>
          <legend>{t('rules.one')}</legend>
          <TextInput
            label={t('field.name')}
            required
            withAsterisk={false}
            maxLength={200}
            disabled={!mayChange}
            value={draft.name}
            error={fieldError('name')}
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
          <Switch
            label={t('rules.enabled')}
            description={t('rules.enabled_hint')}
            disabled={!mayChange}
            checked={draft.enabled}
            onChange={(event) => set({ enabled: event.currentTarget.checked })}
          />
        </fieldset>
        <fieldset>
          <legend>{t('rules.covered')}</legend>
          <ScopeFields
            value={draft.scope}
            disabled={!mayChange}
            errorOf={fieldError}
            sent={sent?.scope}
            onChange={(part) => set({ scope: { ...draft.scope, ...part } })}
          />
        </fieldset>
        <fieldset>
          <legend>{t('settings.when')}</legend>
          <PaceFields
            value={draft.pace}
            disabled={!mayChange}
            errorOf={fieldError}
            onChange={(pace) => set({ pace })}
          />
        </fieldset>
        <fieldset>
          <legend>{t('settings.whom')}</legend>
          <RecipientsField
            value={draft.recipients}
            suspended={suspended}
            disabled={!mayChange}
            errorOf={(address) =>
              sent?.recipients.includes(address) === true
                ? fieldError(`recipients[${sent.recipients.indexOf(address)}]`)
                : undefined
            }
            error={fieldError('recipients')}
            onChange={(recipients) => set({ recipients })}
          />
          <ChannelsField
            value={draft.channels}
            disabled={!mayChange}
            error={listErrors(fieldError, 'channels', sent?.channels, nameOfChannel)}
            onChange={(channels) => set({ channels })}
          />
          <Switch
            label={t('rules.instead')}
            description={t('rules.instead_hint')}
            disabled={!mayChange}
            checked={draft.instead_of_default}
            onChange={(event) => set({ instead_of_default: event.currentTarget.checked })}
          />
        </fieldset>
        <fieldset>
          <legend>{t('rules.escalation')}</legend>
          <EscalationFields
            value={draft.escalation}
            suspended={suspended}
            disabled={!mayChange}
            errorOf={fieldError}
            sent={sent?.escalation}
            onChange={(escalation) => set({ escalation })}
          />
        </fieldset>
        <div className="form-actions settings-save">
          <Button variant="default" onClick={toList}>
            {t(mayChange ? 'act.cancel' : 'act.close')}
          </Button>
          {mayChange && (
            <Button type="submit" disabled={!changed} loading={save.isPending}>
              {t(tagged === undefined ? 'rules.add' : 'act.save')}
            </Button>
          )}
        </div>
      </form>
      <div className="settings-side rule-side">
        <RulePreview draft={draft} nameOf={nameOf} />
      </div>
    </div>
  );
}
