import {
  Button,
  CheckIcon,
  CloseButton,
  Combobox,
  InputBase,
  Select,
  TextInput,
  useCombobox,
} from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch, IconX } from '@tabler/icons-react';
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

/** A filter that an address brought and no list offers: only the way out of it. */
export function GivenFilter({ label, onClear }: { label: string; onClear: () => void }) {
  return (
    <Button variant="default" size="xs" rightSection={<IconX size={14} aria-hidden />} onClick={onClear}>
      {label}
    </Button>
  );
}

interface MultiFilterProps {
  label: string;
  options: { value: string; label: string }[];
  value: string[];
  onChange: (value: string[]) => void;
  /** Where there may be more options than are shown: the search that the server does, and its next page. */
  finder?: Finder;
}

interface Finder {
  search: string;
  setSearch: (text: string) => void;
  nameOf: (value: string) => string;
  loading: boolean;
  more: { has: boolean; loading: boolean; load: () => void };
}

/** So near to the end of the options the next page is asked for. */
const NEAR_PX = 40;

/** Narrows a list to any of some values; none shows all. */
export function MultiFilter({ label, options, value, onChange, finder }: MultiFilterProps) {
  const { t } = useTranslation();
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption();
      combobox.focusTarget();
      finder?.setSearch('');
    },
    onDropdownOpen: () => {
      if (finder !== undefined) combobox.focusSearchInput();
    },
  });
  const names = value.map(
    (chosen) => options.find((option) => option.value === chosen)?.label ?? finder?.nameOf(chosen) ?? chosen,
  );
  const toggle = (chosen: string) =>
    onChange(value.includes(chosen) ? value.filter((other) => other !== chosen) : [...value, chosen]);
  return (
    <Combobox store={combobox} onOptionSubmit={toggle} shadow="md" radius="md">
      <Combobox.Target targetType="button" withExpandedAttribute>
        <InputBase
          component="button"
          type="button"
          className="filter-select"
          radius="xl"
          pointer
          aria-label={names.length === 0 ? label : `${label}: ${names.join(', ')}`}
          rightSection={
            value.length === 0 ? (
              <Combobox.Chevron />
            ) : (
              <CloseButton size="sm" aria-label={t('act.clear')} onClick={() => onChange([])} />
            )
          }
          rightSectionPointerEvents={value.length === 0 ? 'none' : 'all'}
          onClick={() => combobox.toggleDropdown()}
        >
          <span className={names.length === 0 ? 'filter-value dim' : 'filter-value'}>
            {names.length === 0 ? label : names.length === 1 ? names[0] : `${label} (${names.length})`}
          </span>
        </InputBase>
      </Combobox.Target>
      <Combobox.Dropdown>
        {finder !== undefined && (
          <Combobox.Search
            aria-label={t('f.find', { what: label })}
            placeholder={t('f.find', { what: label })}
            value={finder.search}
            onChange={(event) => finder.setSearch(event.currentTarget.value)}
          />
        )}
        <Combobox.Options
          aria-label={label}
          aria-multiselectable
          className="filter-options"
          onScroll={({ currentTarget: box }) => {
            if (finder?.more.has !== true || finder.more.loading) return;
            if (box.scrollTop + box.clientHeight >= box.scrollHeight - NEAR_PX) finder.more.load();
          }}
        >
          {finder !== undefined && options.length === 0 && (
            <Combobox.Empty>{finder.loading ? t('list.searching') : t('list.no_match')}</Combobox.Empty>
          )}
          {options.map((option) => (
            <Combobox.Option
              key={option.value}
              value={option.value}
              selected={value.includes(option.value)}
              aria-selected={value.includes(option.value)}
            >
              <span className="filter-option">
                <CheckIcon
                  size={12}
                  aria-hidden
                  className={value.includes(option.value) ? '' : 'is-hidden'}
                />
                {option.label}
              </span>
            </Combobox.Option>
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
