import { MultiSelect, Select, TagsInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { CLUSTERS, GROUPS, ISSUERS } from '../../api/choices';
import { catalogueQuery } from '../../api/queries';
import type { StoreKind } from '../../api/types';
import { ManyChooser } from '../../components/Choosers';
import { PRODUCTS, useProductName } from '../../lib/products';
import { useChoice } from '../../lib/use-choice';
import { certificateNames } from '../alert/certificate-names';
import { listErrors, type Scope } from './draft';

const KINDS: StoreKind[] = ['identity', 'trust'];

interface ScopeFieldsProps {
  value: Scope;
  disabled: boolean;
  errorOf: (field: string) => string | undefined;
  sent: Scope | undefined;
  onChange: (part: Partial<Scope>) => void;
}

/** What a rule covers: each field that is filled in narrows it. */
export function ScopeFields({ value, disabled, errorOf, sent, onChange }: ScopeFieldsProps) {
  const { t } = useTranslation();
  const productName = useProductName();
  const clusters = useChoice(CLUSTERS, value.clusters);
  const groups = useChoice(GROUPS, value.groups);
  const issuers = useChoice(ISSUERS, value.issuer_certificates);
  const catalogue = useQuery(catalogueQuery).data?.products ?? [];
  const kind = KINDS.find((name) => name === value.kind);
  return (
    <>
      <p className="dim">{t('rules.scope_hint')}</p>
      <div className="form-row form-row-top">
        <ManyChooser
          label={t('nav.clusters')}
          disabled={disabled}
          choice={clusters}
          value={value.clusters}
          error={listErrors(errorOf, 'scope.clusters', sent?.clusters, clusters.nameOf)}
          onChange={(next) => onChange({ clusters: next })}
        />
        <ManyChooser
          label={t('f.groups')}
          disabled={disabled}
          choice={groups}
          value={value.groups}
          error={listErrors(errorOf, 'scope.groups', sent?.groups, groups.nameOf)}
          onChange={(next) => onChange({ groups: next })}
        />
      </div>
      <div className="form-row form-row-top">
        <MultiSelect
          label={t('f.products')}
          disabled={disabled}
          data={[...new Set([...Object.keys(PRODUCTS), ...value.products])].map((product) => ({
            value: product,
            label: productName(product),
          }))}
          value={value.products}
          error={listErrors(errorOf, 'scope.products', sent?.products, productName)}
          onChange={(next) => onChange({ products: next })}
        />
        <Select
          label={t('rules.kind')}
          placeholder={t('rules.kind_both')}
          disabled={disabled}
          clearable
          clearButtonProps={{ 'aria-label': t('act.clear') }}
          data={KINDS.map((name) => ({ value: name, label: t(`kind.${name}`) }))}
          value={kind ?? null}
          error={errorOf('scope.kind')}
          onChange={(next) => onChange({ kind: next })}
        />
      </div>
      <TagsInput
        label={t('rules.purposes')}
        description={t('rules.purposes_hint')}
        disabled={disabled}
        data={certificateNames(catalogue, value.products, kind, [])}
        value={value.purposes}
        error={listErrors(errorOf, 'scope.purposes', sent?.purposes)}
        onChange={(next) => onChange({ purposes: next })}
      />
      <TagsInput
        label={t('rules.issuers')}
        description={t('rules.issuers_hint')}
        disabled={disabled}
        splitChars={[]}
        value={value.issuers}
        error={listErrors(errorOf, 'scope.issuers', sent?.issuers)}
        onChange={(next) => onChange({ issuers: next })}
      />
      <ManyChooser
        label={t('rules.issuer_certificates')}
        disabled={disabled}
        choice={issuers}
        value={value.issuer_certificates}
        error={listErrors(errorOf, 'scope.issuer_certificates', sent?.issuer_certificates, issuers.nameOf)}
        onChange={(next) => onChange({ issuer_certificates: next })}
      />
    </>
  );
}
