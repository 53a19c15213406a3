import { useTranslation } from 'react-i18next';
import type { StatusFilter as Status } from '../../api/types';
import { ChoiceFilter } from '../../components/Filters';

const STATUSES: Status[] = ['expired', 'expiring', 'valid'];

/** A status out of an address; anything else is none. */
export function readStatus(text: string | undefined): Status | undefined {
  return STATUSES.find((status) => status === text);
}

interface StatusFilterProps {
  value: Status | undefined;
  onChange: (value: string | undefined) => void;
}

export function StatusFilter({ value, onChange }: StatusFilterProps) {
  const { t } = useTranslation();
  const options = STATUSES.map((status) => ({ value: status, label: t(`status.${status}`) }));
  return <ChoiceFilter label={t('col.status')} options={options} value={value} onChange={onChange} />;
}
