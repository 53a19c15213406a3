import { Button, Select, TextInput } from '@mantine/core';
import { notifications as toasts } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take, takeTagged, type Tagged } from '../../api/client';
import { profileOptionsQuery } from '../../api/profile-queries';
import { catalogueQuery, invalidate } from '../../api/queries';
import type { Profile } from '../../api/types';
import { ConflictNote, isConflict } from '../../components/ConflictNote';
import { LeaveGuard } from '../../components/LeaveGuard';
import { Lines, LoadError, ProblemNote, useFieldErrors } from '../../components/States';
import { sameFields } from '../../lib/merge';
import { useProductName } from '../../lib/products';
import { useView } from '../../lib/view';
import { useMe } from '../../shell/session';
import { editOf, fieldsOf, settingOf, settingWords, type Edit } from './edit';
import { PurposeRow } from './PurposeRow';
import { wantedOf, withWanted } from './settings';

/** What a profile wants, purpose by purpose. The choices are those of one product in one version. */
export function ProfileEditor({ tagged }: { tagged: Tagged<Profile> }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const productName = useProductName();
  const stored = tagged.data;
  const readOnly = stored.built_in || !useMe().permissions.includes('manage_profiles');
  const [name, setName] = useState(stored.name);
  const [description, setDescription] = useState(stored.description);
  const [settings, setSettings] = useState(stored.settings);
  const save = useMutation({
    mutationFn: ({ body, etag }: { body: Edit; etag: string | null }) =>
      take(
        client.PATCH('/api/v1/profiles/{id}', {
          params: { path: { id: stored.id }, header: { 'If-Match': etag } },
          body,
        }),
      ),
    onSuccess: async () => {
      toasts.show({ message: t('settings.saved'), closeButtonProps: { 'aria-label': t('act.close') } });
      await invalidate(queries, 'profiles', 'clusters', 'certificates');
    },
  });
  const fieldError = useFieldErrors(save.error);
  const edit: Edit = { name, description, settings };
  const [base, mine] = [fieldsOf(stored), fieldsOf(edit)];
  const changed = !sameFields(base, mine);
  // The server names a setting by its place in what it was sent.
  const sent = save.variables?.body.settings ?? [];
  const purposeError = (product: string, purpose: string) => (field: string) => {
    const at = sent.findIndex((item) => item.product === product && item.purpose === purpose);
    return at < 0 ? undefined : (fieldError(`settings[${at}].${field}`) ?? undefined);
  };
  return (
    <form
      className="profile-editor"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate({ body: edit, etag: tagged.etag });
      }}
    >
      {stored.built_in && <p className="note note-muted">{t('profiles.built_in_note')}</p>}
      {isConflict(save.error) ? (
        <ConflictNote
          base={base}
          mine={mine}
          label={(field) =>
            field === 'name' || field === 'description'
              ? t(`field.${field}`)
              : settingWords(field, productName, (rule) => t(`rule.${rule}`, { defaultValue: rule }))
          }
          read={async () => {
            const now = await takeTagged(
              client.GET('/api/v1/profiles/{id}', { params: { path: { id: stored.id } } }),
            );
            return { ...now, data: fieldsOf(now.data) };
          }}
          busy={save.isPending}
          onTheirs={() => void invalidate(queries, 'profiles')}
          onMine={(merged, etag) => save.mutate({ body: editOf(merged), etag })}
        />
      ) : (
        save.error !== null && (
          <ProblemNote
            error={save.error}
            nameOf={(field) =>
              settingOf(field, sent, productName, (rule) => t(`rule.${rule}`, { defaultValue: rule }))
            }
          />
        )
      )}
      <LeaveGuard changed={changed && !readOnly} />
      {!readOnly && (
        <div className="card profile-head">
          <TextInput
            label={t('field.name')}
            required
            withAsterisk={false}
            maxLength={200}
            value={name}
            error={fieldError('name')}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label={t('field.description')}
            value={description}
            error={fieldError('description')}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
        </div>
      )}
      {stored.warnings.map((warning) => (
        <div className="note note-warning" key={`${warning.product} ${warning.purpose} ${warning.field}`}>
          <IconAlertTriangle size={18} aria-hidden />
          <div>
            <p>
              {warning.purpose}: {warning.message}
            </p>
          </div>
        </div>
      ))}
      <Purposes settings={settings} onChange={setSettings} readOnly={readOnly} errorOf={purposeError} />
      {!readOnly && (
        <div className="profile-save">
          <span role="status" className="dim">
            {changed ? t('profiles.unsaved') : ''}
          </span>
          <Button
            variant="default"
            disabled={!changed}
            onClick={() => {
              setName(stored.name);
              setDescription(stored.description);
              setSettings(stored.settings);
            }}
          >
            {t('settings.reset')}
          </Button>
          <Button type="submit" disabled={!changed} loading={save.isPending}>
            {t('act.save')}
          </Button>
        </div>
      )}
    </form>
  );
}

interface PurposesProps {
  settings: Profile['settings'];
  onChange: (settings: Profile['settings']) => void;
  readOnly: boolean;
  errorOf: (product: string, purpose: string) => (field: string) => string | undefined;
}

function Purposes({ settings, onChange, readOnly, errorOf }: PurposesProps) {
  const { t } = useTranslation();
  const productName = useProductName();
  const [view, change] = useView();
  const products = useQuery(catalogueQuery);
  const known = products.data?.products ?? [];
  const product =
    known.find(({ id }) => id === view.product) ??
    known.find(({ id }) => settings.some((setting) => setting.product === id)) ??
    known[0];
  const version = product?.versions.find((name) => name === view.version) ?? product?.versions.at(-1) ?? '';
  const options = useQuery({
    ...profileOptionsQuery(product?.id ?? '', version),
    enabled: product !== undefined,
  });
  if (products.isError) return <LoadError error={products.error} retry={() => void products.refetch()} />;
  return (
    <section className="card" aria-label={t('profiles.purposes')}>
      <div className="filters">
        <Select
          className="filter-select"
          radius="xl"
          aria-label={t('col.product')}
          data={known.map(({ id }) => ({ value: id, label: productName(id) }))}
          value={product?.id ?? null}
          onChange={(next) => change({ product: next ?? undefined, version: undefined }, { replace: true })}
        />
        {(product?.versions.length ?? 0) > 0 && (
          <Select
            className="filter-select"
            radius="xl"
            aria-label={t('field.version')}
            data={(product?.versions ?? []).map((name) => ({
              value: name,
              label: t('profiles.in_version', { version: name }),
            }))}
            value={version}
            onChange={(next) => change({ version: next ?? undefined }, { replace: true })}
          />
        )}
        <span className="dim profile-hint">{t('profiles.version_hint')}</span>
      </div>
      {options.data === undefined ? (
        options.isError ? (
          <LoadError error={options.error} retry={() => void options.refetch()} />
        ) : (
          <div className="profile-loading">
            <Lines count={6} />
          </div>
        )
      ) : (
        <div>
          {options.data.purposes.map((purpose) => (
            <PurposeRow
              key={`${options.data.product} ${purpose.purpose}`}
              options={purpose}
              subjectFields={options.data.subject_fields}
              version={options.data.version}
              wanted={wantedOf(settings, options.data.product, purpose.purpose)}
              readOnly={readOnly}
              fieldError={errorOf(options.data.product, purpose.purpose)}
              onChange={(wanted) =>
                onChange(withWanted(settings, options.data.product, purpose.purpose, wanted))
              }
            />
          ))}
        </div>
      )}
    </section>
  );
}
