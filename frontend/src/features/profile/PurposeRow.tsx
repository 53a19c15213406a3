import { Button, Select, TextInput } from '@mantine/core';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PurposeOptions } from '../../api/types';
import { Badge } from '../../components/Badge';
import { hashesFor, isOpen, keyValue, mayBeMultiServer, notInVersion, type Wanted } from './settings';

interface PurposeRowProps {
  options: PurposeOptions;
  subjectFields: string[];
  version: string;
  wanted: Wanted;
  readOnly: boolean;
  /** What is wrong with a field of the setting. */
  fieldError: (field: string) => string | undefined;
  onChange: (wanted: Wanted) => void;
}

/** What a profile wants of one purpose. Each field may stay open: whatever is installed is right then. */
export function PurposeRow(props: PurposeRowProps) {
  const { options, wanted, readOnly, onChange, version, fieldError } = props;
  const { t } = useTranslation();
  const title = useId();
  const [subjectShown, setSubjectShown] = useState((wanted.subject ?? []).length > 0);
  const key = keyValue(wanted);
  const open = { value: '', label: t('profiles.open_choice') };
  const missing = notInVersion(options, wanted);
  const signing = wanted.use_tomcat === true ? 'use_tomcat' : (wanted.signing ?? '');
  const setSigning = (next: string) => {
    if (next === 'use_tomcat') onChange({ use_tomcat: true });
    else if (next === 'ca_signed') {
      // How long it lasts is the CA's affair.
      onChange({ ...wanted, use_tomcat: false, signing: next, validity_years: null });
    } else if (next === 'self_signed') onChange({ ...wanted, use_tomcat: false, signing: next });
    else onChange({ ...wanted, use_tomcat: false, signing: null });
  };
  const setKey = (next: string) => {
    const chosen = options.keys.find((option) => `${option.key_type} ${option.bits}` === next);
    const keeps = wanted.hash != null && (chosen === undefined || chosen.hashes.includes(wanted.hash));
    onChange({
      ...wanted,
      key_type: chosen?.key_type ?? null,
      key_bits: chosen?.bits ?? null,
      hash: keeps ? wanted.hash : null,
    });
  };
  const fixed = options.validity?.always_years ?? null;
  const choice = (value: string, list: { value: string; label: string }[]) =>
    // What is wanted and not possible in this version stays visible.
    list.some((item) => item.value === value) ? list : [...list, { value, label: value }];
  const whole = wanted.use_tomcat === true || readOnly;
  return (
    <div className="purpose" aria-labelledby={title} role="group">
      <div className="purpose-head">
        <h3 id={title} className="mono">
          {options.purpose}
        </h3>
        {isOpen(wanted) ? (
          <span className="dim">{t('profiles.all_open')}</span>
        ) : (
          missing.length > 0 && (
            <Badge tone="warning">
              {t('profiles.not_in_version', {
                version,
                fields: missing.map((field) => t(`rule.${field}`)).join(', '),
              })}
            </Badge>
          )
        )}
      </div>
      <div className="purpose-fields">
        <Select
          label={t('rule.signing')}
          error={fieldError('signing') ?? fieldError('use_tomcat')}
          disabled={readOnly}
          data={choice(signing, [
            open,
            ...options.signing.map((name) => ({ value: name, label: t(`signing.${name}`) })),
            ...(options.reuse == null ? [] : [{ value: 'use_tomcat', label: t('signing.use_tomcat') }]),
          ])}
          value={signing}
          onChange={(next) => setSigning(next ?? '')}
        />
        <Select
          label={t('d.key')}
          error={fieldError('key_type') ?? fieldError('key_bits')}
          disabled={whole}
          data={choice(key, [
            open,
            ...options.keys.map((option) => ({
              value: `${option.key_type} ${option.bits}`,
              label: `${option.key_type} ${option.bits}`,
            })),
          ])}
          value={key}
          onChange={(next) => setKey(next ?? '')}
        />
        <Select
          label={t('rule.hash')}
          error={fieldError('hash')}
          disabled={whole}
          data={choice(wanted.hash ?? '', [
            open,
            ...hashesFor(options, key).map((name) => ({ value: name, label: name })),
          ])}
          value={wanted.hash ?? ''}
          onChange={(next) => onChange({ ...wanted, hash: next || null })}
        />
        <Select
          label={t('rule.multi_server')}
          error={fieldError('multi_server')}
          disabled={whole || (!mayBeMultiServer(options, wanted) && wanted.multi_server == null)}
          data={[
            open,
            ...(mayBeMultiServer(options, wanted) || wanted.multi_server === true
              ? [{ value: 'yes', label: t('profiles.all_nodes') }]
              : []),
            { value: 'no', label: t('profiles.each_node') },
          ]}
          value={wanted.multi_server == null ? '' : wanted.multi_server ? 'yes' : 'no'}
          onChange={(next) =>
            onChange({ ...wanted, multi_server: next === 'yes' ? true : next === 'no' ? false : null })
          }
        />
        {options.validity != null && (
          <Select
            label={t('rule.validity_years')}
            error={fieldError('validity_years')}
            disabled={whole || wanted.signing === 'ca_signed'}
            description={fixed === null ? undefined : t('profiles.always_years', { count: fixed })}
            data={[
              open,
              ...Array.from(
                { length: options.validity.most_years - options.validity.least_years + 1 },
                (_, index) => {
                  const years = (options.validity?.least_years ?? 0) + index;
                  return { value: String(years), label: t('profiles.years', { count: years }) };
                },
              ),
            ]}
            value={wanted.validity_years == null ? '' : String(wanted.validity_years)}
            onChange={(next) => onChange({ ...wanted, validity_years: next ? Number(next) : null })}
          />
        )}
      </div>
      {wanted.use_tomcat !== true && (subjectShown || !readOnly) && (
        <div className="purpose-subject">
          <Button
            variant="subtle"
            size="compact-sm"
            aria-expanded={subjectShown}
            onClick={() => setSubjectShown(!subjectShown)}
          >
            {t('rule.subject')}
          </Button>
          {(subjectShown || fieldError('subject') !== undefined) && <SubjectFields {...props} />}
        </div>
      )}
    </div>
  );
}

function SubjectFields({ subjectFields, wanted, readOnly, fieldError, onChange }: PurposeRowProps) {
  const { t } = useTranslation();
  const subject = (wanted.subject ?? []) as [string, string][];
  const valueOf = (name: string) => subject.find(([field]) => field === name)?.[1] ?? '';
  const set = (name: string, value: string) => {
    const next = subjectFields
      .map((field): [string, string] => [field, field === name ? value : valueOf(field)])
      .filter(([, text]) => text !== '');
    onChange({ ...wanted, subject: next as never });
  };
  return (
    <div className="subject-fields">
      {subjectFields.map((name, index) => (
        <TextInput
          key={name}
          size="xs"
          label={t(`subject.${name}`, { defaultValue: name })}
          disabled={readOnly}
          // Which of them is wrong, the sentence says.
          error={index === 0 ? fieldError('subject') : fieldError('subject') !== undefined}
          value={valueOf(name)}
          onChange={(event) => set(name, event.currentTarget.value)}
        />
      ))}
    </div>
  );
}
