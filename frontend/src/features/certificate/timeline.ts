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
  /** Older events, or messages, are on pages that were not read yet. */
  moreHistory?: boolean;
  moreMessages?: boolean;
}

const toldAt = ({ message }: CertificateMessage): string => message.settled_at ?? message.created_at;

/** The earliest time of a list that goes on: what is older has gaps. */
function edgeOf(times: string[], more: boolean | undefined): number {
  return more === true ? Math.min(...times.map((time) => Date.parse(time))) : -Infinity;
}

/**
 * All that is known of a certificate's life, the newest first; its end stands where it belongs, past or to come. What is older than the
 * last page read of any of its lists waits for the next page, so that nothing comes in between later.
 */
export function timelineOf(life: Life, now: number): Moment[] {
  const { certificate, history, messages } = life;
  const edge = Math.max(
    edgeOf(
      history.map(({ at }) => at),
      life.moreHistory,
    ),
    edgeOf(messages.map(toldAt), life.moreMessages),
  );
  const ended = Date.parse(certificate.not_after) <= now;
  const moments: Moment[] = [
    { kind: ended ? 'expired' : 'ends', at: certificate.not_after },
    { kind: 'found', at: certificate.created_at },
    { kind: 'issued', at: certificate.not_before },
    ...history.map((event): Moment => ({ kind: 'event', at: event.at, event })),
    ...messages.map((told): Moment => ({
      kind: 'message',
      at: toldAt(told),
      told,
    })),
  ];
  return moments
    .filter(({ at }) => Date.parse(at) >= edge)
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}
