import { Button, Menu, Modal } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconCircleCheckFilled, IconPlayerPauseFilled, IconPlus, IconWebhook } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { channelsQuery, lastCallQuery } from '../../api/settings-queries';
import type { Channel } from '../../api/types';
import { Badge, Tag } from '../../components/Badge';
import { DataTable, type Column } from '../../components/DataTable';
import { RowMenu } from '../../components/RowMenu';
import { EmptyState } from '../../components/States';
import { Time } from '../../components/Time';
import { useView } from '../../lib/view';
import { useMe } from '../../shell/session';
import { MessageBadge } from '../message/MessageBadge';
import { DeleteChannel, TestChannel } from './ChannelDialogs';
import { ChannelForm } from './ChannelForm';

/** So many channels an organisation may have. */
const MOST_CHANNELS = 20;

/** Receivers of calls beside the recipients of mail: what each is, and how the last call went. */
export function ChannelSettings() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const mayChange = useMe().permissions.includes('manage_alerts');
  const read = useQuery(channelsQuery);
  const rows = read.data?.items;
  const columns = useChannelColumns(mayChange, (what, channel) => change({ do: what, id: channel.id }));
  const channel = rows?.find(({ id }) => id === view.id);
  // The secret is shown once: nothing but the button closes it.
  const [shown, setShown] = useState(false);
  const close = () => {
    setShown(false);
    change({ do: undefined, id: undefined });
  };
  const full = (rows?.length ?? 0) >= MOST_CHANNELS;
  const add = mayChange && (
    <Button
      leftSection={<IconPlus size={16} aria-hidden />}
      disabled={full}
      aria-describedby={full ? 'channels-full' : undefined}
      onClick={() => change({ do: 'add' })}
    >
      {t('channels.add')}
    </Button>
  );
  const editing = view.do === 'edit' && channel !== undefined;
  return (
    <div className="card settings-wide">
      {rows !== undefined && rows.length > 0 && mayChange && (
        <div className="filters">
          {full && (
            <span id="channels-full" className="dim">
              {t('channels.full', { count: MOST_CHANNELS })}
            </span>
          )}
          <div className="filters-end">{add}</div>
        </div>
      )}
      <DataTable
        label={t('settings.channels')}
        columns={columns}
        rows={rows}
        rowId={({ id }) => id}
        loading={read.isPending}
        error={read.error}
        retry={() => void read.refetch()}
        stale={read.isError && rows !== undefined}
        empty={
          <EmptyState icon={IconWebhook} title={t('channels.none')} actions={add}>
            {t('channels.none_text')}
          </EmptyState>
        }
      />
      <Modal
        opened={view.do === 'add' || editing}
        onClose={close}
        title={editing ? t('channels.edit_title', { name: channel.name }) : t('channels.add')}
        size="lg"
        closeOnClickOutside={!shown}
        closeOnEscape={!shown}
        withCloseButton={!shown}
        closeButtonProps={{ 'aria-label': t('act.close') }}
      >
        <ChannelForm
          key={editing ? channel.id : 'new'}
          channel={editing ? channel : undefined}
          onSecret={() => setShown(true)}
          onClose={close}
        />
      </Modal>
      {channel !== undefined && (
        <>
          <TestChannel channel={channel} opened={view.do === 'test'} onClose={close} />
          <DeleteChannel channel={channel} opened={view.do === 'delete'} onClose={close} />
        </>
      )}
    </div>
  );
}

type Deed = 'edit' | 'test' | 'delete';

function useChannelColumns(
  mayChange: boolean,
  act: (what: Deed, channel: Channel) => void,
): Column<Channel>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('field.name'),
        cell: (channel) => (
          <span className="cell-main">
            <span className="cell-name">{channel.name}</span>
            <span className="cell-second">{channel.origin}</span>
          </span>
        ),
      },
      {
        id: 'kind',
        header: t('col.type'),
        cell: (channel) => (
          <span className="tags">
            <Tag>{t(`channel_kind.${channel.kind}`)}</Tag>
            {channel.kind === 'generic' && channel.has_secret && <Tag>{t('channels.signed')}</Tag>}
            {channel.rules_only && <Tag>{t('channels.by_rules')}</Tag>}
          </span>
        ),
      },
      {
        id: 'state',
        header: t('col.status'),
        className: 'col-status',
        cell: (channel) =>
          channel.enabled ? (
            <Badge tone="valid" icon={IconCircleCheckFilled}>
              {t('channels.on')}
            </Badge>
          ) : (
            <Badge tone="muted" icon={IconPlayerPauseFilled}>
              {t('channels.off')}
            </Badge>
          ),
      },
      {
        id: 'last',
        header: t('channels.last'),
        cell: (channel) => <LastCall channelId={channel.id} />,
      },
      {
        id: 'menu',
        header: '',
        className: 'col-menu',
        cell: (channel) => (
          <RowMenu name={channel.name}>
            {() => (
              <>
                {mayChange && (
                  <>
                    <Menu.Item onClick={() => act('test', channel)}>{t('channels.test')}</Menu.Item>
                    <Menu.Item onClick={() => act('edit', channel)}>{t('channels.edit')}</Menu.Item>
                    <Menu.Item onClick={() => act('delete', channel)}>{t('channels.delete')}</Menu.Item>
                    <Menu.Divider />
                  </>
                )}
                <Menu.Item
                  renderRoot={(props) => <Link {...props} to="/messages" search={{ channel: channel.id }} />}
                >
                  {t('channels.messages')}
                </Menu.Item>
              </>
            )}
          </RowMenu>
        ),
      },
    ],
    [t, mayChange, act],
  );
}

/** What became of the last message that it was to get. */
function LastCall({ channelId }: { channelId: string }) {
  const { t } = useTranslation();
  const read = useQuery(lastCallQuery(channelId));
  const last = read.data?.items[0];
  if (last === undefined) return <span className="dim">{read.isPending ? '…' : t('channels.no_call')}</span>;
  return (
    <span className="cell-main">
      <span className="tags">
        <Link to="/messages" search={{ channel: channelId, message: last.id }}>
          <MessageBadge state={last.state} />
        </Link>
        <Time value={last.settled_at ?? last.created_at} className="dim" />
      </span>
      {last.reply != null && last.state !== 'accepted' && (
        <code className="cell-second reply-cell">{last.reply}</code>
      )}
    </span>
  );
}
