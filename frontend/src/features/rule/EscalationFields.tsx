import { NumberInput, Switch } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { RecipientsField } from '../settings/RecipientsField';
import { ChannelsField, useChannelNames } from './ChannelsField';
import { listErrors, type Escalated } from './draft';

const USUAL: Escalated = { after_days: 3, recipients: [], channels: [] };

interface EscalationFieldsProps {
  value: Escalated | null;
  suspended: string[];
  disabled: boolean;
  /** What is wrong with a field of what was sent. */
  errorOf: (field: string) => string | undefined;
  sent: Escalated | null | undefined;
  onChange: (value: Escalated | null) => void;
}

/** Who is told of what nobody has acknowledged, and after how many days. */
export function EscalationFields(props: EscalationFieldsProps) {
  const { value, disabled, errorOf, sent, onChange } = props;
  const { t } = useTranslation();
  const nameOf = useChannelNames();
  const addresses = sent?.recipients ?? [];
  return (
    <>
      <Switch
        label={t('escalation.on')}
        description={t('escalation.hint')}
        disabled={disabled}
        checked={value !== null}
        onChange={(event) => onChange(event.currentTarget.checked ? USUAL : null)}
      />
      {value !== null && (
        <>
          <NumberInput
            label={t('escalation.after_days')}
            description={t('settings.range', { from: 1, to: 90 })}
            min={1}
            max={90}
            allowDecimal={false}
            clampBehavior="none"
            suffix={` ${t('settings.days_unit')}`}
            disabled={disabled}
            value={value.after_days}
            error={errorOf('escalation.after_days')}
            onChange={(next) => onChange({ ...value, after_days: typeof next === 'number' ? next : 0 })}
          />
          <RecipientsField
            label={t('escalation.recipients')}
            value={value.recipients}
            suspended={props.suspended}
            disabled={disabled}
            errorOf={(address) =>
              addresses.includes(address)
                ? errorOf(`escalation.recipients[${addresses.indexOf(address)}]`)
                : undefined
            }
            error={errorOf('escalation.recipients')}
            onChange={(recipients) => onChange({ ...value, recipients })}
          />
          <ChannelsField
            value={value.channels}
            disabled={disabled}
            error={listErrors(errorOf, 'escalation.channels', sent?.channels, nameOf)}
            onChange={(channels) => onChange({ ...value, channels })}
          />
        </>
      )}
    </>
  );
}
