import '../features/message/message.css';
import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconMailOpened, IconSearch } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { messagesQuery } from '../api/settings-queries';
import type { Message, MessageKind, MessageState } from '../api/types';
import { DataTable, type Column } from '../components/DataTable';
import { ChoiceFilter, GivenFilter } from '../components/Filters';
import { PageHeader } from '../components/PageHeader';
import { useRowWalk } from '../components/Panel';
import { Split } from '../components/Split';
import { EmptyState, NoMatch } from '../components/States';
import { Time } from '../components/Time';
import { MessageBadge } from '../features/message/MessageBadge';
import { MessageTags } from '../features/message/MessageTags';
import { MessagePanel } from '../features/message/MessagePanel';
import { useShortcut } from '../lib/shortcuts';
import { useList } from '../lib/use-list';
import { useView } from '../lib/view';

const STATES: MessageState[] = ['due', 'sending', 'deferred', 'accepted', 'refused', 'dead', 'cancelled'];

/** What messages are; `trouble` is what a message is about that tells of no certificates. */
const KINDS: (MessageKind | 'trouble')[] = ['warning', 'digest', 'escalation', 'trouble'];

/** The ledger: who was told of which certificates, when, and what the mail server said. */
export function MessagesPage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const state = STATES.find((name) => name === view.state);
  const kind = KINDS.find((name) => name === view.kind);
  const filter = {
    state,
    recipient: view.recipient,
    channel_id: view.channel,
    rule_id: view.rule,
    ...(kind === 'trouble' ? { about: kind } : { kind }),
  };
  const list = useList<Message>(messagesQuery(filter));
  const filtered = Object.values(filter).some((value) => value !== undefined);
  const current = view.message ?? null;
  const open = (id: string) => change({ message: id }, { replace: current !== null });
  const columns = useMessageColumns(open);
  const ids = useMemo(() => (list.rows ?? []).map((row) => row.id), [list.rows]);
  useRowWalk(ids, current, open);
  return (
    <Split
      panel={
        current !== null && (
          <MessagePanel
            key={current}
            id={current}
            row={list.rows?.find((row) => row.id === current)}
            onClose={() => change({ message: undefined })}
          />
        )
      }
    >
      <PageHeader title={t('messages.title')} sub={<span>{t('messages.sub')}</span>} />
      <div className="card">
        <div className="filters" role="search">
          <RecipientSearch
            value={view.recipient ?? ''}
            onChange={(recipient) => change({ recipient: recipient || undefined }, { replace: true })}
          />
          <ChoiceFilter
            label={t('col.status')}
            options={STATES.map((name) => ({ value: name, label: t(`message.${name}`) }))}
            value={state}
            onChange={(next) => change({ state: next })}
          />
          <ChoiceFilter
            label={t('messages.kind')}
            options={KINDS.map((name) => ({ value: name, label: t(`message_kind.${name}`) }))}
            value={kind}
            onChange={(next) => change({ kind: next })}
          />
          {view.rule !== undefined && (
            <GivenFilter label={t('messages.of_rule')} onClear={() => change({ rule: undefined })} />
          )}
          {view.channel !== undefined && (
            <GivenFilter label={t('messages.of_channel')} onClear={() => change({ channel: undefined })} />
          )}
        </div>
        <DataTable
          label={t('messages.title')}
          columns={columns}
          rows={list.rows}
          rowId={(row) => row.id}
          loading={list.loading}
          error={list.error}
          retry={list.retry}
          stale={list.stale}
          more={list.more}
          selected={current}
          onOpen={(row) => open(row.id)}
          empty={
            filtered ? (
              <NoMatch
                onClear={() =>
                  change({
                    state: undefined,
                    recipient: undefined,
                    channel: undefined,
                    kind: undefined,
                    rule: undefined,
                  })
                }
              />
            ) : (
              <EmptyState
                icon={IconMailOpened}
                title={t('messages.none')}
                actions={
                  <Link to="/settings/$tab" params={{ tab: 'notifications' }}>
                    {t('messages.settings')}
                  </Link>
                }
              >
                {t('messages.none_text')}
              </EmptyState>
            )
          }
        />
      </div>
    </Split>
  );
}

const DEBOUNCE_MS = 400;

/** Only whole addresses are found: what is typed is looked for once it could be one. */
function RecipientSearch({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  const report = useDebouncedCallback(onChange, DEBOUNCE_MS);
  useEffect(() => setText(value), [value]);
  useShortcut('/', () => input.current?.focus());
  return (
    <TextInput
      ref={input}
      className="filter-search"
      radius="xl"
      type="search"
      aria-label={t('messages.recipient')}
      placeholder={t('messages.recipient')}
      value={text}
      maxLength={320}
      leftSection={<IconSearch size={17} aria-hidden />}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setText(next);
        if (next === '' || /^[^\s@]+@[^\s@]+$/.test(next)) report(next);
      }}
    />
  );
}

function useMessageColumns(open: (id: string) => void): Column<Message>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'state',
        header: t('col.status'),
        className: 'col-status',
        cell: (row) => <MessageBadge state={row.state} />,
      },
      {
        id: 'recipient',
        header: t('messages.recipient'),
        cell: (row) => (
          <span className="cell-main">
            <button type="button" className="row-link" onClick={() => open(row.id)}>
              {row.recipient}
            </button>
            {row.subject != null && <span className="cell-second">{row.subject}</span>}
            <MessageTags message={row} />
          </span>
        ),
      },
      {
        id: 'told',
        header: t('nav.certificates'),
        className: 'col-number',
        cell: (row) => (row.about === 'trouble' ? '–' : row.told_count),
      },
      {
        id: 'reply',
        header: t('messages.reply'),
        className: 'col-wide',
        cell: (row) =>
          row.reply == null ? (
            <span className="dim">–</span>
          ) : (
            <code className="reply-cell">{row.reply}</code>
          ),
      },
      {
        id: 'at',
        header: t('messages.made'),
        className: 'col-tight',
        cell: (row) => <Time value={row.created_at} />,
      },
    ],
    [t, open],
  );
}
