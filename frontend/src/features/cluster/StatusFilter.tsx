import { useTranslation } from 'react-i18next';
import { MultiFilter } from '../../components/Filters';

const STATUSES = ['expired', 'expiring', 'valid'];

export function StatusFilter({ value, onChange }: { value: string[]; onChange: (value: string[]) => void }) {
  const { t } = useTranslation();
  const options = STATUSES.map((status) => ({ value: status, label: t(`card.${status}`) }));
  return <MultiFilter label={t('col.status')} options={options} value={value} onChange={onChange} />;
}
