import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconSend } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { invalidate } from '../../api/queries';
import { messageQuery } from '../../api/settings-queries';
import type { Message, MessageDetail } from '../../api/types';
import { CopyIcon } from '../../components/Copy';
import { Fact } from '../../components/Facts';
import { Panel, PanelWait } from '../../components/Panel';
import { ProblemNote } from '../../components/States';
import { Time } from '../../components/Time';
import { useMe } from '../../shell/session';
import { MessageBadge } from './MessageBadge';
import { MessageTags } from './MessageTags';

interface MessagePanelProps {
  id: string;
  row: Message | undefined;
  onClose: () => void;
}

/** One message: to whom, what became of it, and which certificates it told of. */
export function MessagePanel({ id, row, onClose }: MessagePanelProps) {
  const { t } = useTranslation();
  const read = useQuery(messageQuery(id));
  const message = read.data?.message ?? row;
  return (
    <Panel
      mark={message === undefined ? null : <MessageBadge state={message.state} />}
      title={message?.recipient ?? t('messages.one')}
      sub={
        message !== undefined && (
          <>
            {message.subject != null && <span>{message.subject}</span>}
            <MessageTags message={message} />
          </>
        )
      }
      onClose={onClose}
      rowId={id}
    >
      {read.data === undefined ? (
        <PanelWait error={read.error} retry={() => void read.refetch()} />
      ) : (
        <MessageContent detail={read.data} />
      )}
    </Panel>
  );
}

function MessageContent({ detail }: { detail: MessageDetail }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { message } = detail;
  const mayRetry =
    useMe().permissions.includes('manage_alerts') && ['dead', 'refused'].includes(message.state);
  const retry = useMutation({
    mutationFn: () =>
      take(client.POST('/api/v1/messages/{id}/retry', { params: { path: { id: message.id } } })),
    onSuccess: () => invalidate(queries, 'messages', 'overview'),
  });
  return (
    <>
      <section className="panel-section">
        <p>{t(`message.${message.state}_text`)}</p>
        {mayRetry && (
          <div className="message-retry">
            <Button
              leftSection={<IconSend size={16} aria-hidden />}
              loading={retry.isPending}
              onClick={() => retry.mutate()}
            >
              {t('messages.retry')}
            </Button>
          </div>
        )}
        {retry.error !== null && <ProblemNote error={retry.error} />}
      </section>
      <section className="panel-section">
        <dl className="details">
          {message.reply != null && (
            <Fact name={t('messages.reply')}>
              <code>{message.reply}</code>
            </Fact>
          )}
          {message.kind != null && <Fact name={t('messages.kind')}>{t(`message_kind.${message.kind}`)}</Fact>}
          {message.rule_id != null && (
            <Fact name={t('rules.one')}>
              <Link to="/settings/rules/$ruleId" params={{ ruleId: message.rule_id }}>
                {message.rule_name ?? message.rule_id}
              </Link>
            </Fact>
          )}
          <Fact name={t('messages.attempts')}>{message.attempts}</Fact>
          <Fact name={t('messages.made')}>
            <Time value={message.created_at} show="dateTime" />
          </Fact>
          {message.first_tried_at != null && (
            <Fact name={t('messages.first_tried')}>
              <Time value={message.first_tried_at} show="dateTime" />
            </Fact>
          )}
          {message.settled_at != null && (
            <Fact name={t('messages.settled')}>
              <Time value={message.settled_at} show="dateTime" />
            </Fact>
          )}
          {message.next_try_at != null && (
            <Fact name={t('messages.next_try')}>
              <Time value={message.next_try_at} />
            </Fact>
          )}
          {message.message_id != null && (
            <Fact name="Message-ID">
              <span className="detail-copy">
                <code>{message.message_id}</code>
                <CopyIcon text={message.message_id} label={t('act.copy')} />
              </span>
            </Fact>
          )}
          {message.queue_id != null && (
            <Fact name={t('messages.queue_id')}>
              <code>{message.queue_id}</code>
            </Fact>
          )}
        </dl>
      </section>
      {message.about === 'trouble' ? <Trouble /> : <Told detail={detail} />}
    </>
  );
}

/** What a notice is, which tells of no certificates. */
function Trouble() {
  const { t } = useTranslation();
  return (
    <section className="panel-section">
      <h3>{t('messages.about')}</h3>
      <p>{t('messages.trouble_text')}</p>
      <p>
        <Link to="/">{t('messages.trouble_now')}</Link>
      </p>
    </section>
  );
}

/** The certificates that a message told of, or was to tell of. */
function Told({ detail: { message, alerts } }: { detail: MessageDetail }) {
  const { t } = useTranslation();
  return (
    <section className="panel-section">
      <h3>
        {message.state === 'accepted'
          ? t('messages.told', { count: message.told_count })
          : t('messages.about')}
      </h3>
      <ul className="told">
        {alerts.map((alert) => (
          <li key={alert.id} className={alert.told ? undefined : 'is-untold'}>
            <span className="cell-main">
              <Link
                className="cell-name"
                to="/certificates/$certificateId"
                params={{ certificateId: alert.certificate_id }}
              >
                {alert.common_name || alert.serial_hex}
              </Link>
              <span className="cell-second">
                <span>{t(`stage.${alert.stage}`, { defaultValue: alert.stage })}</span>
                <span>{t('nodes.count', { count: alert.node_count })}</span>
                {!alert.told && <span>{t('messages.untold')}</span>}
              </span>
            </span>
            <Time value={alert.not_after} show="date" className="dim" />
          </li>
        ))}
      </ul>
    </section>
  );
}
