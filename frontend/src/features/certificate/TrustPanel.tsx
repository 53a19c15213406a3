import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { certificateQuery } from '../../api/queries';
import type { Certificate } from '../../api/types';
import { LevelBadge, Tag } from '../../components/Badge';
import { Panel } from '../../components/Panel';
import { Lines, LoadError } from '../../components/States';
import { displayName } from '../../lib/certificate';
import { usePermissions } from '../../shell/session';
import { TrustActions } from '../trust/TrustActions';
import { CertificateFiles } from './Actions';
import { CertificateDetails, Validity } from './Details';

/** One trusted certificate, and all the places that hold it. */
export function TrustPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const read = useQuery(certificateQuery(id));
  const certificate = read.data;
  if (certificate === undefined) {
    return (
      <Panel mark={null} title={t('d.certificate')} sub={null} onClose={onClose} rowId={id}>
        <div className="panel-section">
          {read.isError ? (
            <LoadError error={read.error} retry={() => void read.refetch()} />
          ) : (
            <Lines count={8} />
          )}
        </div>
      </Panel>
    );
  }
  return (
    <Panel
      mark={<LevelBadge level={certificate.status} />}
      title={certificate.common_name || displayName(certificate.subject)}
      sub={<span>{t('d.places', { count: certificate.installation_count })}</span>}
      onClose={onClose}
      rowId={id}
    >
      <div className="panel-actions">
        {operate && <TrustActions certificate={certificate} />}
        <CertificateFiles certificateId={certificate.id} />
      </div>
      <Validity from={certificate.not_before} until={certificate.not_after} />
      <Places certificate={certificate} />
      <CertificateDetails certificate={certificate} />
    </Panel>
  );
}

function Places({ certificate }: { certificate: Certificate }) {
  const { t } = useTranslation();
  const left = certificate.installation_count - certificate.installations.length;
  return (
    <section className="panel-section">
      <h3>{t('d.installed_on')}</h3>
      <ul className="places">
        {certificate.installations.map((place) => (
          <li key={place.id}>
            <span>
              {place.cluster.name} · {place.node.name}
            </span>
            <Tag>{place.store}</Tag>
          </li>
        ))}
      </ul>
      {left > 0 && <p className="dim">{t('d.more_places', { count: left })}</p>}
    </section>
  );
}
