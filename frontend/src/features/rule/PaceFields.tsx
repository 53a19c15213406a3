import { NumberInput, SegmentedControl } from '@mantine/core';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { USUAL, type Pace } from './draft';
import { RhythmFields } from './RhythmFields';

const UNITS: Pace['unit'][] = ['days', 'percent'];
const BOUNDS = {
  days: { start: [30, 365], every: [1, 30] },
  percent: { start: [1, 99], every: [1, 99] },
} as const;

interface PaceFieldsProps {
  value: Pace;
  disabled: boolean;
  errorOf: (field: string) => string | undefined;
  onChange: (value: Pace) => void;
}

/** From when on a rule tells, by days or by a part of the lifetime, and how often. */
export function PaceFields({ value, disabled, errorOf, onChange }: PaceFieldsProps) {
  const { t } = useTranslation();
  const id = useId();
  const { unit } = value;
  const number = (name: 'start' | 'every', field: string) => {
    const [min, max] = BOUNDS[unit][name];
    return (
      <NumberInput
        label={t(`rules.${name}`)}
        description={t(unit === 'days' ? 'settings.range' : 'rules.range_percent', { from: min, to: max })}
        min={min}
        max={max}
        allowDecimal={false}
        clampBehavior="none"
        suffix={unit === 'days' ? ` ${t('settings.days_unit')}` : ' %'}
        disabled={disabled}
        value={value[name]}
        error={errorOf(`${field}_${unit}`)}
        onChange={(next) => onChange({ ...value, [name]: typeof next === 'number' ? next : 0 })}
      />
    );
  };
  return (
    <>
      <div>
        <span className="field-label" id={id}>
          {t('rules.unit')}
        </span>
        <SegmentedControl
          fullWidth
          aria-labelledby={id}
          data={UNITS.map((name) => ({ value: name, label: t(`rule_unit.${name}`) }))}
          value={unit}
          disabled={disabled}
          onChange={(next) => {
            const chosen = UNITS.find((name) => name === next) ?? unit;
            onChange({ ...value, unit: chosen, ...USUAL[chosen] });
          }}
        />
        <p className="dim field-note">{t(`rule_unit.${unit}_text`)}</p>
      </div>
      <div className="form-row">
        {number('start', 'start')}
        {value.weekday === null && number('every', 'frequency')}
      </div>
      <RhythmFields
        weekday={value.weekday}
        empty={value.empty}
        disabled={disabled}
        error={errorOf('digest_weekday')}
        onChange={(part) => onChange({ ...value, ...part })}
      />
    </>
  );
}
