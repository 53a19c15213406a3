/** A rule as its form holds it, and as the API takes it. */
import type { Escalation, NotificationRule, RuleScope, SetNotificationRule } from '../../api/types';

/** When a rule begins, and how it goes on. */
export interface Pace {
  /** What `start` and `every` count: days before the end, or percent of the lifetime. */
  unit: 'days' | 'percent';
  start: number;
  every: number;
  /** Day of the weekly digest, 1 (Monday) to 7; null: each message leaves at once, and `every` counts. */
  weekday: number | null;
  /** A digest without a certificate is sent as well. */
  empty: boolean;
}

export type Scope = Required<RuleScope>;
export type Escalated = Required<Escalation>;

/** Each part is one choice of the reader: two edits are put together part by part. */
export type Draft = {
  name: string;
  enabled: boolean;
  scope: Scope;
  pace: Pace;
  recipients: string[];
  channels: string[];
  instead_of_default: boolean;
  escalation: Escalated | null;
};

/** What a threshold in days or percent begins with. */
export const USUAL: Record<Pace['unit'], Pick<Pace, 'start' | 'every'>> = {
  days: { start: 60, every: 7 },
  percent: { start: 20, every: 5 },
};

export const EMPTY_DRAFT: Draft = {
  name: '',
  enabled: true,
  scope: {
    clusters: [],
    groups: [],
    products: [],
    purposes: [],
    kind: null,
    issuers: [],
    issuer_certificates: [],
  },
  pace: { unit: 'days', ...USUAL.days, weekday: null, empty: false },
  recipients: [],
  channels: [],
  instead_of_default: false,
  escalation: null,
};

export function escalatedOf(found: Escalation | null | undefined): Escalated | null {
  if (found == null) return null;
  return {
    after_days: found.after_days,
    recipients: found.recipients ?? [],
    channels: found.channels ?? [],
  };
}

export function paceOf(rule: NotificationRule): Pace {
  const unit = rule.start_percent == null ? 'days' : 'percent';
  const { start, every } = USUAL[unit];
  return {
    unit,
    start: rule.start_percent ?? rule.start_days ?? start,
    every: rule.frequency_percent ?? rule.frequency_days ?? every,
    weekday: rule.mode === 'weekly_digest' ? (rule.digest_weekday ?? 1) : null,
    empty: rule.digest_empty,
  };
}

export function draftOf(rule: NotificationRule): Draft {
  return {
    name: rule.name,
    enabled: rule.enabled,
    scope: { ...EMPTY_DRAFT.scope, ...rule.scope },
    pace: paceOf(rule),
    recipients: rule.recipients,
    channels: rule.channels,
    instead_of_default: rule.instead_of_default,
    escalation: escalatedOf(rule.escalation),
  };
}

/** The body that stores a draft: only what goes with its choices is named. */
export function bodyOf({ pace, ...rest }: Draft): SetNotificationRule {
  const every = pace.weekday === null ? { [`frequency_${pace.unit}`]: pace.every } : {};
  return {
    ...rest,
    [`start_${pace.unit}`]: pace.start,
    ...every,
    mode: pace.weekday === null ? 'immediate' : 'weekly_digest',
    digest_weekday: pace.weekday,
    digest_empty: pace.weekday !== null && pace.empty,
  };
}

/** Days before its end at which a certificate of a lifetime is told of first: a part of it is counted at most 365 days ahead. */
export function startInDays(pace: Pace, lifetimeDays: number): number {
  return pace.unit === 'days' ? pace.start : Math.min(365, (lifetimeDays * pace.start) / 100);
}

/** What is wrong with a list and its values, which the server names by their places in what it was sent. */
export function listErrors(
  errorOf: (field: string) => string | undefined,
  field: string,
  sent: string[] | undefined,
  nameOf: (value: string) => string = (value) => value,
): string | undefined {
  const lines = (sent ?? []).flatMap((value, index) => {
    const error = errorOf(`${field}[${index}]`);
    return error === undefined ? [] : [`${nameOf(value)}: ${error}`];
  });
  const whole = errorOf(field);
  return [...(whole === undefined ? [] : [whole]), ...lines].join(' · ') || undefined;
}
