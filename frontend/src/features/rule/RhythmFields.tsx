import { SegmentedControl, Select, Switch } from '@mantine/core';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { useRuleWords } from './use-rule-words';

interface RhythmFieldsProps {
  /** Day of the weekly digest, 1 (Monday) to 7; null: at once. */
  weekday: number | null;
  empty: boolean;
  disabled: boolean;
  error: string | undefined;
  onChange: (part: { weekday?: number | null; empty?: boolean }) => void;
}

/** Whether messages leave at once or gathered once a week. */
export function RhythmFields({ weekday, empty, disabled, error, onChange }: RhythmFieldsProps) {
  const { t } = useTranslation();
  const words = useRuleWords();
  const id = useId();
  const mode = weekday === null ? 'immediate' : 'weekly_digest';
  return (
    <>
      <div>
        <span className="field-label" id={id}>
          {t('rules.mode')}
        </span>
        <SegmentedControl
          fullWidth
          aria-labelledby={id}
          data={['immediate', 'weekly_digest'].map((value) => ({ value, label: t(`rule_mode.${value}`) }))}
          value={mode}
          disabled={disabled}
          onChange={(next) => onChange({ weekday: next === 'immediate' ? null : 1 })}
        />
        <p className="dim field-note">{t(`rule_mode.${mode}_text`)}</p>
      </div>
      {weekday !== null && (
        <>
          <Select
            label={t('rules.weekday')}
            allowDeselect={false}
            disabled={disabled}
            data={[1, 2, 3, 4, 5, 6, 7].map((day) => ({ value: String(day), label: words.weekday(day) }))}
            value={String(weekday)}
            error={error}
            onChange={(next) => onChange({ weekday: Number(next ?? weekday) })}
          />
          <Switch
            label={t('rules.empty')}
            description={t('rules.empty_hint')}
            disabled={disabled}
            checked={empty}
            onChange={(event) => onChange({ empty: event.currentTarget.checked })}
          />
        </>
      )}
    </>
  );
}
