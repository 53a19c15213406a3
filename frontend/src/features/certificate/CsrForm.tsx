import { Button, Select, Textarea, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { CertificateFacts, Installation } from '../../api/types';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { usePlan } from '../plan/use-plan';
import { keyChoices, presetKey, readNames } from './csr-choices';

interface CsrFormProps {
  installation: Installation;
  certificate: CertificateFacts;
  onCancel?: () => void;
}

/** What the new CSR is to ask for: filled in from the certificate that is there. */
export function CsrForm({ installation, certificate, onCancel }: CsrFormProps) {
  const { t } = useTranslation();
  const choices = keyChoices(installation.product, installation.store);
  const [key, setKey] = useState(presetKey(choices, certificate.key));
  const [hash, setHash] = useState(key.hashes[0] ?? 'SHA256');
  const [commonName, setCommonName] = useState(certificate.common_name ?? '');
  const [names, setNames] = useState(
    certificate.sans
      .filter(([kind]) => kind === 'dns' || kind === 'ip')
      .map(([, value]) => value)
      .join('\n'),
  );
  const plan = usePlan();

  const changeKey = (value: string | null) => {
    const next = choices.find((choice) => choice.value === value);
    if (next === undefined) return;
    setKey(next);
    if (!next.hashes.includes(hash)) setHash(next.hashes[0] ?? 'SHA256');
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    plan.mutate({
      action: 'generate_csr',
      installations: [installation.id],
      csr: {
        common_name: commonName,
        names: readNames(names),
        key_type: key.type,
        key_bits: key.bits,
        hash,
      },
    });
  };
  const fieldError = useFieldErrors(plan.error);
  return (
    <form className="form" onSubmit={submit}>
      {plan.error !== null && <ProblemNote error={plan.error} />}
      <div className="form-row">
        <Select
          label={t('d.key')}
          data={choices.map(({ value, label }) => ({ value, label }))}
          value={key.value}
          onChange={changeKey}
        />
        <Select
          label={t('csr.hash')}
          data={key.hashes}
          value={hash}
          onChange={(value) => setHash(value ?? hash)}
        />
      </div>
      <TextInput
        label={t('csr.common_name')}
        value={commonName}
        maxLength={64}
        error={fieldError('csr.common_name')}
        onChange={(event) => setCommonName(event.currentTarget.value)}
      />
      <Textarea
        label={t('csr.names')}
        description={t('csr.names_hint')}
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
        value={names}
        error={fieldError('csr.names')}
        onChange={(event) => setNames(event.currentTarget.value)}
      />
      <p className="dim">{t('csr.key_stays')}</p>
      <div className="form-actions">
        {onCancel !== undefined && (
          <Button variant="default" onClick={onCancel}>
            {t('act.cancel')}
          </Button>
        )}
        <Button type="submit" loading={plan.isPending}>
          {t('plan.preview')}
        </Button>
      </div>
    </form>
  );
}
