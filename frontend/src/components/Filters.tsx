import { CloseButton, MultiSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useShortcut } from '../lib/shortcuts';

const DEBOUNCE_MS = 200;

interface SearchFieldProps {
  value: string;
  onChange: (value: string) => void;
  label: string;
}

/** The search of a list: `/` jumps into it, Esc empties it. */
export function SearchField({ value, onChange, label }: SearchFieldProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  const report = useDebouncedCallback(onChange, DEBOUNCE_MS);
  useEffect(() => setText(value), [value]);
  useShortcut('/', () => input.current?.focus());

  const change = (next: string) => {
    setText(next);
    report(next);
  };
  return (
    <TextInput
      ref={input}
      className="filter-search"
      radius="xl"
      type="search"
      aria-label={label}
      placeholder={label}
      value={text}
      maxLength={200}
      leftSection={<IconSearch size={17} aria-hidden />}
      rightSection={
        text === '' ? null : <CloseButton size="sm" aria-label={t('act.clear')} onClick={() => change('')} />
      }
      onChange={(event) => change(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && text !== '') {
          event.stopPropagation();
          change('');
        }
      }}
    />
  );
}

interface MultiFilterProps {
  label: string;
  options: { value: string; label: string }[];
  value: string[];
  onChange: (value: string[]) => void;
}

export function MultiFilter({ label, options, value, onChange }: MultiFilterProps) {
  return (
    <MultiSelect
      className="filter-select"
      radius="xl"
      aria-label={label}
      placeholder={value.length === 0 ? label : undefined}
      data={options}
      value={value}
      onChange={onChange}
      clearable
      hidePickedOptions={false}
      comboboxProps={{ shadow: 'md', radius: 'md', width: 240, position: 'bottom-start' }}
    />
  );
}
