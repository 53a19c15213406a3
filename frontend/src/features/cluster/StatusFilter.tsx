import { useTranslation } from 'react-i18next';
import type { Level } from '../../api/types';
import { ChoiceFilter } from '../../components/Filters';

const LEVELS: Level[] = ['expired', 'critical', 'warning', 'notice', 'valid'];

/** A level out of an address; anything else is none. */
export function readLevel(text: string | undefined): Level | undefined {
  return LEVELS.find((level) => level === text);
}

interface StatusFilterProps {
  value: Level | undefined;
  onChange: (value: string | undefined) => void;
}

export function StatusFilter({ value, onChange }: StatusFilterProps) {
  const { t } = useTranslation();
  const options = LEVELS.map((level) => ({ value: level, label: t(`level.${level}`) }));
  return <ChoiceFilter label={t('col.status')} options={options} value={value} onChange={onChange} />;
}
