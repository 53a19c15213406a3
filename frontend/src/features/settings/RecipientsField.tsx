import { Pill, PillsInput } from '@mantine/core';
import { IconMailX } from '@tabler/icons-react';
import { useState, type ClipboardEvent, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { addAddresses, MOST_RECIPIENTS, readAddresses } from './recipients';

interface RecipientsFieldProps {
  /** What the list is called, where it is not that of the default's recipients. */
  label?: string;
  value: string[];
  suspended: string[];
  disabled: boolean;
  /** What is wrong with an address, and with the list as a whole. */
  errorOf: (address: string) => string | undefined;
  error: string | undefined;
  onChange: (value: string[]) => void;
}

/** Addresses as chips: typed one by one, or pasted as a list. A chip shows what is wrong with its address. */
export function RecipientsField(props: RecipientsFieldProps) {
  const { value, suspended, disabled, errorOf, onChange } = props;
  const { t } = useTranslation();
  const label = props.label ?? t('settings.recipients');
  const [text, setText] = useState('');
  const add = (typed: string) => {
    const added = readAddresses(typed);
    setText('');
    if (added.length > 0) onChange(addAddresses(value, added));
  };
  const wrong = value
    .map((address) => ({ address, error: errorOf(address) }))
    .filter(({ error }) => error !== undefined);
  const errors = [props.error, ...wrong.map(({ address, error }) => `${address}: ${error}`)].filter(
    (line) => line !== undefined,
  );
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter' || event.key === ',' || event.key === ';' || event.key === ' ') {
      if (text !== '' || event.key !== 'Enter') event.preventDefault();
      add(text);
    } else if (event.key === 'Backspace' && text === '') {
      onChange(value.slice(0, -1));
    }
  };
  const onPaste = (event: ClipboardEvent) => {
    event.preventDefault();
    add(text + event.clipboardData.getData('text'));
  };
  return (
    <PillsInput
      label={
        <span className="recipients-label">
          <span>{label}</span>
          <span className={value.length > MOST_RECIPIENTS ? 'figures text-expired' : 'figures dim'}>
            {value.length}/{MOST_RECIPIENTS}
          </span>
        </span>
      }
      description={t('settings.recipients_hint')}
      error={
        errors.length === 0 ? undefined : (
          <span className="recipients-errors">
            {errors.map((line) => (
              <span key={line}>{line}</span>
            ))}
          </span>
        )
      }
      disabled={disabled}
    >
      <Pill.Group>
        {value.map((address, index) => {
          const off = suspended.includes(address);
          const bad = errorOf(address) !== undefined;
          return (
            <Pill
              key={address}
              size="md"
              className={bad || off ? 'recipient is-off' : 'recipient'}
              withRemoveButton={!disabled}
              removeButtonProps={{
                'aria-label': t('settings.remove_recipient', { address }),
                'aria-hidden': false,
                tabIndex: 0,
              }}
              onRemove={() => onChange(value.filter((_, at) => at !== index))}
            >
              {off && <IconMailX size={14} aria-hidden />}
              {address}
              {off && <span className="visually-hidden"> ({t('settings.suspended_one')})</span>}
            </Pill>
          );
        })}
        <PillsInput.Field
          aria-label={label}
          value={text}
          disabled={disabled}
          placeholder={value.length === 0 ? 'ops@example.org' : ''}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKey}
          onPaste={onPaste}
          onBlur={() => add(text)}
        />
      </Pill.Group>
    </PillsInput>
  );
}
