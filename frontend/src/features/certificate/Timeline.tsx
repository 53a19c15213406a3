import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { certificateHistoryQuery } from '../../api/queries';
import { certificateMessagesQuery } from '../../api/settings-queries';
import type { Certificate, HistoryEvent } from '../../api/types';
import { Lines, LoadError } from '../../components/States';
import { Time, useNow } from '../../components/Time';
import { useMe } from '../../shell/session';
import { MessageBadge } from '../message/MessageBadge';
import { timelineOf, type Moment } from './timeline';

/** What happened to a certificate: who, when, why; and who was told of it. */
export function Timeline({ certificate }: { certificate: Certificate }) {
  const { t } = useTranslation();
  const now = useNow();
  const mayReadMessages = useMe().permissions.includes('read_alerts');
  const history = useQuery(certificateHistoryQuery(certificate.id));
  const messages = useQuery({ ...certificateMessagesQuery(certificate.id), enabled: mayReadMessages });
  const failed = history.error ?? messages.error;
  if (failed !== null) {
    return (
      <LoadError
        error={failed}
        retry={() => {
          void history.refetch();
          if (mayReadMessages) void messages.refetch();
        }}
      />
    );
  }
  if (history.data === undefined || (mayReadMessages && messages.data === undefined))
    return <Lines count={6} />;
  const moments = timelineOf(
    { certificate, history: history.data.items, messages: messages.data?.items ?? [] },
    now,
  );
  return (
    <ol className="history timeline">
      {moments.map((moment, index) => (
        <li key={`${moment.kind} ${moment.at} ${index}`} className={`moment-${moment.kind}`}>
          <MomentWords moment={moment} />
        </li>
      ))}
      {history.data.next != null && <li className="dim">{t('timeline.more')}</li>}
    </ol>
  );
}

function MomentWords({ moment }: { moment: Moment }) {
  const { t } = useTranslation();
  switch (moment.kind) {
    case 'issued':
    case 'found':
    case 'expired':
    case 'ends':
      return <Head title={t(`timeline.${moment.kind}`)} at={moment.at} />;
    case 'event':
      return <EventWords event={moment.event} />;
    case 'message': {
      const { message, alert } = moment.told;
      return (
        <>
          <Head
            title={t('timeline.message', { recipient: message.recipient })}
            at={moment.at}
            mark={<MessageBadge state={message.state} />}
          />
          <div className="dim">
            {t(`stage.${alert.stage}`, { defaultValue: alert.stage })} ·{' '}
            <Link to="/messages" search={{ message: message.id }}>
              {t('timeline.show_message')}
            </Link>
          </div>
        </>
      );
    }
  }
}

function EventWords({ event }: { event: HistoryEvent }) {
  const { t } = useTranslation();
  return (
    <>
      <Head title={t(`history.${event.event}`, { defaultValue: event.event })} at={event.at} />
      <div>
        {event.node_name} · {event.cluster_name}
      </div>
      {(event.actor != null || event.job_id != null) && (
        <div className="dim">
          {event.actor}
          {event.actor != null && event.job_id != null && ' · '}
          {event.job_id != null && (
            <Link to="/jobs/$jobId" params={{ jobId: event.job_id }}>
              {t('history.job')}
            </Link>
          )}
        </div>
      )}
    </>
  );
}

function Head({ title, at, mark }: { title: string; at: string; mark?: ReactNode }) {
  return (
    <div className="moment-head">
      <strong>{title}</strong>
      {mark}
      <span className="dim">
        <Time value={at} show="dateTime" /> (<Time value={at} />)
      </span>
    </div>
  );
}
