/** Kinds of things that decisions are about, as the audit log names them. */
export const KINDS = [
  'acknowledgement',
  'agent',
  'certificate',
  'cluster',
  'group',
  'job',
  'join_token',
  'mail',
  'member',
  'message',
  'node',
  'notifications',
  'organisation',
  'profile',
  'session',
  'token',
];
