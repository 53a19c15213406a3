import { Loader, MultiSelect, Select, type ComboboxItem, type OptionsFilter } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Choice } from '../lib/use-choice';

interface Named {
  id: string;
  name: string;
}

interface ChooserProps<T extends Named> {
  label: string;
  description?: string;
  choice: Choice<T>;
  /** What an option says, where its name is not enough. */
  words?: (item: T) => string;
  error?: string;
  disabled?: boolean;
  autoFocus?: boolean;
}

interface ManyProps<T extends Named> extends ChooserProps<T> {
  value: string[];
  onChange: (ids: string[]) => void;
}

/** What both kinds of chooser have: options of the server's search, more of them at the end of the list. */
function useChooser<T extends Named>({ choice, words }: ChooserProps<T>) {
  const { t } = useTranslation();
  const items = new Map([...choice.chosen, ...choice.rows].map((item) => [item.id, item]));
  const shown = new Set(choice.rows.map(({ id }) => id));
  // The server has searched: the browser's own filter would search again, in the label alone.
  const filter: OptionsFilter = ({ options }) =>
    (options as ComboboxItem[]).filter(({ value }) => shown.has(value));
  return {
    searchable: true,
    data: [...items.values()].map((item) => ({ value: item.id, label: words?.(item) ?? item.name })),
    filter,
    searchValue: choice.search,
    onSearchChange: choice.setSearch,
    nothingFoundMessage: choice.loading ? t('list.searching') : t('list.no_match'),
    rightSection: choice.loading || choice.more.loading ? <Loader size={16} /> : undefined,
    scrollAreaProps: { onBottomReached: () => choice.more.has && choice.more.load() },
  };
}

/** Chooses any number of things out of a list of any length. */
export function ManyChooser<T extends Named>(props: ManyProps<T>) {
  const common = useChooser(props);
  return (
    <MultiSelect
      {...common}
      label={props.label}
      description={props.description}
      error={props.error}
      disabled={props.disabled}
      data-autofocus={props.autoFocus}
      value={props.value}
      onChange={props.onChange}
    />
  );
}

interface OneProps<T extends Named> extends ChooserProps<T> {
  value: string | null;
  onChange: (id: string | null) => void;
}

/** Chooses one thing out of a list of any length. */
export function OneChooser<T extends Named>(props: OneProps<T>) {
  const common = useChooser(props);
  return (
    <Select
      {...common}
      label={props.label}
      description={props.description}
      error={props.error}
      disabled={props.disabled}
      data-autofocus={props.autoFocus}
      value={props.value}
      onChange={props.onChange}
    />
  );
}
