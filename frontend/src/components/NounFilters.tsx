import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { CLUSTERS, GROUPS, PROFILES } from '../api/choices';
import { catalogueQuery } from '../api/queries';
import { PRODUCTS, useProductName } from '../lib/products';
import { useChoice, type Choice } from '../lib/use-choice';
import { ChoiceFilter, MultiFilter } from './Filters';

interface NounFilterProps {
  value: string[];
  onChange: (value: string[]) => void;
}

/** Narrows a list to some products. */
export function ProductFilter({ value, onChange }: NounFilterProps) {
  const { t } = useTranslation();
  const productName = useProductName();
  const options = Object.keys(PRODUCTS).map((product) => ({ value: product, label: productName(product) }));
  return <MultiFilter label={t('f.products')} options={options} value={value} onChange={onChange} />;
}

interface ProductChoiceProps {
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

/** Narrows a list to one product. */
export function ProductChoice({ value, onChange }: ProductChoiceProps) {
  const { t } = useTranslation();
  const productName = useProductName();
  const options = Object.keys(PRODUCTS).map((product) => ({ value: product, label: productName(product) }));
  return <ChoiceFilter label={t('col.product')} options={options} value={value} onChange={onChange} />;
}

/** Narrows a list to some clusters. */
export function ClusterFilter({ value, onChange }: NounFilterProps) {
  const { t } = useTranslation();
  const choice = useChoice(CLUSTERS, value);
  return <FoundFilter label={t('nav.clusters')} choice={choice} value={value} onChange={onChange} />;
}

/** Narrows a list to some trust stores, of those that the products have. */
export function StoreFilter({ value, onChange }: NounFilterProps) {
  const { t } = useTranslation();
  const products = useQuery(catalogueQuery).data?.products ?? [];
  const names = products.flatMap(({ trust_stores }) => trust_stores);
  return <MultiFilter label={t('col.stores')} options={optionsOf(names)} value={value} onChange={onChange} />;
}

/** Narrows a list to some purposes, of those that the products have. */
export function PurposeFilter({ value, onChange }: NounFilterProps) {
  const { t } = useTranslation();
  const products = useQuery(catalogueQuery).data?.products ?? [];
  const names = products.flatMap(({ purposes }) => purposes.map(({ name }) => name));
  return (
    <MultiFilter label={t('col.purpose')} options={optionsOf(names)} value={value} onChange={onChange} />
  );
}

/** Each name once, in order. */
function optionsOf(names: string[]) {
  return [...new Set(names)]
    .sort((a, b) => a.localeCompare(b, 'en'))
    .map((name) => ({ value: name, label: name }));
}

/** Narrows a list to some groups. */
export function GroupFilter({ value, onChange }: NounFilterProps) {
  const { t } = useTranslation();
  const choice = useChoice(GROUPS, value);
  return <FoundFilter label={t('f.groups')} choice={choice} value={value} onChange={onChange} />;
}

/** Narrows a list to some profiles. */
export function ProfileFilter({ value, onChange }: NounFilterProps) {
  const { t } = useTranslation();
  const choice = useChoice(PROFILES, value);
  return <FoundFilter label={t('nav.profiles')} choice={choice} value={value} onChange={onChange} />;
}

interface FoundFilterProps<T extends { id: string; name: string }> extends NounFilterProps {
  label: string;
  choice: Choice<T>;
}

/** With one thing only there is nothing to choose. */
function FoundFilter<T extends { id: string; name: string }>(props: FoundFilterProps<T>) {
  const { label, choice, value, onChange } = props;
  if (choice.rows.length < 2 && choice.search === '' && value.length === 0) return null;
  return (
    <MultiFilter
      label={label}
      options={choice.rows.map(({ id, name }) => ({ value: id, label: name }))}
      value={value}
      onChange={onChange}
      finder={choice}
    />
  );
}
