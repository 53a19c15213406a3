import { CloseButton, Select, TextInput } from '@mantine/core';
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

interface ChoiceFilterProps {
  label: string;
  options: { value: string; label: string }[];
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

/** Narrows a list to one of a few values; empty shows all. */
export function ChoiceFilter({ label, options, value, onChange }: ChoiceFilterProps) {
  const { t } = useTranslation();
  return (
    <Select
      className="filter-select"
      radius="xl"
      aria-label={label}
      placeholder={label}
      data={options}
      value={value ?? null}
      onChange={(next) => onChange(next ?? undefined)}
      clearable
      clearButtonProps={{ 'aria-label': t('act.clear') }}
      comboboxProps={{ shadow: 'md', radius: 'md' }}
    />
  );
}
