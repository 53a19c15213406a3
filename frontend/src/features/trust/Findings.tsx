import { useQuery } from '@tanstack/react-query';
import { IconAlertTriangle, IconArchive, IconInfoCircle } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { clutterOfQuery, keptOfQuery, serverOnlyOfQuery } from '../../api/hygiene-queries';
import { Prose } from '../../components/Prose';
import { useServerWords } from '../../lib/server-words';

/** Why a certificate should not stay in trust stores; nothing where it may. */
export function ClutterNote({ sha256 }: { sha256: string }) {
  const { t } = useTranslation();
  const words = useServerWords();
  const row = useQuery(clutterOfQuery(sha256)).data?.items.find((item) => item.sha256 === sha256);
  if (row === undefined) return null;
  return (
    <div className="note note-warning finding">
      <IconAlertTriangle size={18} aria-hidden />
      <div>
        <strong>{t('hygiene.finding')}</strong>
        <ul>
          {row.reasons.map(({ code, message }) => (
            <li key={code}>{words(`clutter_text.${code}`) ?? <Prose text={message} />}</li>
          ))}
          {row.identity && <li>{t('hygiene.identity_text')}</li>}
        </ul>
        <Link to="/trust-hygiene" search={{ q: sha256 }}>
          {t('hygiene.show')}
        </Link>
      </div>
    </div>
  );
}

/** Where a certificate that is for servers only is shown by a client; nothing where it is not. */
export function ServerOnlyNote({ sha256 }: { sha256: string }) {
  const { t } = useTranslation();
  const found = useQuery(serverOnlyOfQuery(sha256)).data;
  const rows = found?.items ?? [];
  if (rows.length === 0) return null;
  return (
    <div className="note note-warning finding">
      <IconInfoCircle size={18} aria-hidden />
      <div>
        <strong>{t('server_only.finding')}</strong>
        <ul>
          {rows.map((row) => (
            <li key={row.installation_id} className="named">
              <Link
                to="/clusters/$clusterId/$tab"
                params={{ clusterId: row.cluster.id, tab: 'identity' }}
                search={{ cert: row.installation_id }}
              >
                {row.purpose} · {row.node.name} · {row.cluster.name}
              </Link>
            </li>
          ))}
        </ul>
        <p>{t('server_only.way_out')}</p>
      </div>
    </div>
  );
}

/** That copies of a certificate, or what a job took, are kept and can be put back; nothing where none are. */
export function KeptNote({ certificateId, jobId }: { certificateId?: string; jobId?: string }) {
  const { t } = useTranslation();
  const kept = useQuery(keptOfQuery({ certificate_id: certificateId, job_id: jobId })).data?.items ?? [];
  if (kept.length === 0) return null;
  return (
    <div className="note note-notice finding">
      <IconArchive size={18} aria-hidden />
      <div>
        {t(jobId === undefined ? 'quarantine.kept_certificate' : 'quarantine.kept_job')}{' '}
        <Link to="/quarantine" search={{ certificate: certificateId, job: jobId }}>
          {t('quarantine.show')}
        </Link>
      </div>
    </div>
  );
}
