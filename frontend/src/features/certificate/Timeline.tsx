import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { certificateHistoryQuery } from '../../api/queries';
import { certificateMessagesQuery } from '../../api/settings-queries';
import type { Certificate, CertificateMessage, HistoryEvent } from '../../api/types';
import { Lines, LoadError, MoreRows } from '../../components/States';
import { Time, useNow } from '../../components/Time';
import { useList } from '../../lib/use-list';
import { useMe } from '../../shell/session';
import { MessageBadge } from '../message/MessageBadge';
import { timelineOf, type Moment } from './timeline';

/** What happened to a certificate: who, when, why; and who was told of it. */
export function Timeline({ certificate }: { certificate: Certificate }) {
  const now = useNow();
  const mayReadMessages = useMe().permissions.includes('read_alerts');
  const history = useList<HistoryEvent>(certificateHistoryQuery(certificate.id));
  const messages = useList<CertificateMessage>(certificateMessagesQuery(certificate.id), mayReadMessages);
  const failed = history.error ?? messages.error;
  if (failed !== null) {
    const retry = () => {
      history.retry();
      if (mayReadMessages) messages.retry();
    };
    return <LoadError error={failed} retry={retry} />;
  }
  if (history.rows === undefined || (mayReadMessages && messages.rows === undefined))
    return <Lines count={6} />;
  const streams = [history, messages].filter(({ more }) => more.has);
  const moments = timelineOf(
    {
      certificate,
      history: history.rows,
      messages: messages.rows ?? [],
      moreHistory: history.more.has,
      moreMessages: messages.more.has,
    },
    now,
  );
  const more = {
    has: streams.length > 0,
    loading: streams.some((stream) => stream.more.loading),
    load: () => streams.forEach((stream) => stream.more.load()),
  };
  return (
    <>
      <ol className="history timeline">
        {moments.map((moment, index) => (
          <li key={`${moment.kind} ${moment.at} ${index}`} className={`moment-${moment.kind}`}>
            <MomentWords moment={moment} />
          </li>
        ))}
      </ol>
      <MoreRows list={{ rows: moments, more }} />
    </>
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
