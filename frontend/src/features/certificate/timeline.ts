import type { CertificateFacts, CertificateMessage, HistoryEvent } from '../../api/types';

/** Something in the life of a certificate. */
export type Moment =
  | { kind: 'issued' | 'found' | 'expired' | 'ends'; at: string }
  | { kind: 'event'; at: string; event: HistoryEvent }
  | { kind: 'message'; at: string; told: CertificateMessage };

interface Life {
  certificate: CertificateFacts & { created_at: string };
  history: HistoryEvent[];
  messages: CertificateMessage[];
}

/** All that is known of a certificate's life, the newest first; its end stands where it belongs, past or to come. */
export function timelineOf({ certificate, history, messages }: Life, now: number): Moment[] {
  const ended = Date.parse(certificate.not_after) <= now;
  const moments: Moment[] = [
    { kind: ended ? 'expired' : 'ends', at: certificate.not_after },
    { kind: 'found', at: certificate.created_at },
    { kind: 'issued', at: certificate.not_before },
    ...history.map((event): Moment => ({ kind: 'event', at: event.at, event })),
    ...messages.map((told): Moment => ({
      kind: 'message',
      at: told.message.settled_at ?? told.message.created_at,
      told,
    })),
  ];
  return moments.sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}
