import { describe, expect, it } from 'vitest';
import type { CertificateFacts, CertificateMessage, HistoryEvent } from '../../api/types';
import { timelineOf } from './timeline';

const certificate = {
  not_before: '2026-01-01T00:00:00Z',
  not_after: '2027-01-01T00:00:00Z',
  created_at: '2026-03-01T00:00:00Z',
} as CertificateFacts & { created_at: string };
const history = [{ id: 'h', at: '2026-03-02T00:00:00Z' } as HistoryEvent];
const messages = [
  {
    message: { created_at: '2026-11-01T00:00:00Z', settled_at: '2026-11-01T00:00:05Z' },
  } as CertificateMessage,
];

describe('timelineOf', () => {
  it('tells a life from its end back to its begin', () => {
    const kinds = timelineOf({ certificate, history, messages }, Date.parse('2026-12-01')).map(
      ({ kind }) => kind,
    );
    expect(kinds).toEqual(['ends', 'message', 'event', 'found', 'issued']);
  });

  it('says of a certificate whose end has passed that it has expired', () => {
    const [first] = timelineOf({ certificate, history: [], messages: [] }, Date.parse('2027-02-01'));
    expect(first?.kind).toBe('expired');
  });
});
