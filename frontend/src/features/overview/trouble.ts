import type { LinkProps } from '@tanstack/react-router';

/** Where each trouble of the mails is mended. */
export function mendOf(code: string): Pick<LinkProps, 'to' | 'params' | 'search'> {
  switch (code) {
    case 'no_recipients':
    case 'recipients_suspended':
      return { to: '/settings/$tab', params: { tab: 'notifications' } };
    case 'mail_not_configured':
      return { to: '/settings/$tab', params: { tab: 'mail' } };
    case 'message_dead':
      return { to: '/messages', search: { state: 'dead' } };
    default:
      return { to: '/messages' };
  }
}
