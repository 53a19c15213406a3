import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { CLUSTERS, GROUPS } from '../../api/choices';
import { ManyChooser } from '../../components/Choosers';
import { PRODUCTS, useProductName } from '../../lib/products';
import { useChoice } from '../../lib/use-choice';
import type { Within } from './draft';

interface ScopeFieldsProps {
  value: Within;
  errorOf: (field: string) => string | undefined;
  onChange: (value: Within) => void;
}

/** In which clusters a root is changed: each field that is filled in narrows it. */
export function ScopeFields({ value, errorOf, onChange }: ScopeFieldsProps) {
  const { t } = useTranslation();
  const productName = useProductName();
  const groups = useChoice(GROUPS, value.group_ids);
  const clusters = useChoice(CLUSTERS, value.cluster_ids);
  return (
    <>
      <p className="dim">{t('root.scope_hint')}</p>
      <ManyChooser
        label={t('f.groups')}
        choice={groups}
        value={value.group_ids}
        error={errorOf('scope.group_ids')}
        onChange={(group_ids) => onChange({ ...value, group_ids: [...group_ids].sort() })}
      />
      <ManyChooser
        label={t('nav.clusters')}
        choice={clusters}
        value={value.cluster_ids}
        error={errorOf('scope.cluster_ids')}
        onChange={(cluster_ids) => onChange({ ...value, cluster_ids: [...cluster_ids].sort() })}
      />
      <Select
        label={t('col.product')}
        clearable
        clearButtonProps={{ 'aria-label': t('act.clear') }}
        data={Object.keys(PRODUCTS).map((product) => ({ value: product, label: productName(product) }))}
        value={value.product}
        error={errorOf('scope.product')}
        onChange={(product) => onChange({ ...value, product })}
      />
      {errorOf('scope') !== undefined && <p className="text-expired">{errorOf('scope')}</p>}
    </>
  );
}
