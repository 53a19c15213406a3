import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { RootChange } from '../../api/types';
import { Time } from '../../components/Time';
import { colonHex, displayName } from '../../lib/certificate';

type Authority = RootChange['old_certificate'];

export const authorityName = (authority: Authority) =>
  authority.common_name || displayName(authority.subject);

/** One of the two certificates: whose it is, and how long. */
export function AuthorityFacts({ label, authority }: { label: string; authority: Authority }) {
  const { t } = useTranslation();
  return (
    <div className="authority">
      <span className="dim">{label}</span>
      <Link className="cell-name" to="/certificates/$certificateId" params={{ certificateId: authority.id }}>
        {authorityName(authority)}
      </Link>
      <code className="serial">{colonHex(authority.serial_hex)}</code>
      <span className="dim">
        {authority.self_signed && <>{t('d.self_signed')} · </>}
        <Time value={authority.not_before} show="date" /> – <Time value={authority.not_after} show="date" />
      </span>
    </div>
  );
}
