import { MultiSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { channelsQuery } from '../../api/settings-queries';

/** What each channel is called. One that was deleted since has no name any more. */
export function useChannelNames(): (id: string) => string {
  const { t } = useTranslation();
  const channels = useQuery(channelsQuery).data?.items;
  return useMemo(() => {
    const names = new Map(channels?.map(({ id, name }) => [id, name]));
    return (id) => names.get(id) ?? (channels === undefined ? '…' : t('rules.gone'));
  }, [channels, t]);
}

interface ChannelsFieldProps {
  value: string[];
  disabled: boolean;
  error: string | undefined;
  onChange: (ids: string[]) => void;
}

/** Chooses channels; with none there is nothing to choose. */
export function ChannelsField({ value, disabled, error, onChange }: ChannelsFieldProps) {
  const { t } = useTranslation();
  const nameOf = useChannelNames();
  const channels = useQuery(channelsQuery).data?.items ?? [];
  if (channels.length === 0 && value.length === 0) return null;
  const gone = value.filter((id) => !channels.some((channel) => channel.id === id));
  const data = [
    ...channels.map(({ id, name, enabled }) => ({
      value: id,
      label: enabled ? name : `${name} (${t('channels.off')})`,
    })),
    ...gone.map((id) => ({ value: id, label: nameOf(id) })),
  ];
  return (
    <MultiSelect
      label={t('settings.channels')}
      searchable
      data={data}
      disabled={disabled}
      value={value}
      error={error}
      nothingFoundMessage={t('list.no_match')}
      onChange={onChange}
    />
  );
}
