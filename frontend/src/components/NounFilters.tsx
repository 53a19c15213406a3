import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { profileChoiceQuery } from '../api/profile-queries';
import { groupsQuery } from '../api/queries';
import { PRODUCTS, useProductName } from '../lib/products';
import { MultiFilter } from './Filters';

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

/** Narrows a list to some groups. With one group only there is nothing to choose. */
export function GroupFilter({ value, onChange }: NounFilterProps) {
  const { t } = useTranslation();
  const groups = useQuery(groupsQuery).data?.items ?? [];
  if (groups.length < 2 && value.length === 0) return null;
  const options = groups.map(({ id, name }) => ({ value: id, label: name }));
  return <MultiFilter label={t('f.groups')} options={options} value={value} onChange={onChange} />;
}

/** Narrows a list to some profiles. With the built-in one only there is nothing to choose. */
export function ProfileFilter({ value, onChange }: NounFilterProps) {
  const { t } = useTranslation();
  const profiles = useQuery(profileChoiceQuery).data ?? [];
  if (profiles.length < 2 && value.length === 0) return null;
  const options = profiles.map(({ id, name }) => ({ value: id, label: name }));
  return <MultiFilter label={t('nav.profiles')} options={options} value={value} onChange={onChange} />;
}
