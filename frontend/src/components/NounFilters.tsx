import { useTranslation } from 'react-i18next';
import { GROUPS, PROFILES } from '../api/choices';
import { PRODUCTS, useProductName } from '../lib/products';
import { useChoice, type Choice } from '../lib/use-choice';
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
