import '../features/certificate/certificate.css';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { IconChevronLeft } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { certificateQuery } from '../api/queries';
import { LevelBadge, Tag } from '../components/Badge';
import { PageHeader } from '../components/PageHeader';
import { Lines, LoadError } from '../components/States';
import { Time } from '../components/Time';
import { Acknowledge } from '../features/acknowledgement/Acknowledge';
import { CertificateFiles } from '../features/certificate/Actions';
import { CertificateDetails, Validity } from '../features/certificate/Details';
import { Holders } from '../features/certificate/Holders';
import { Timeline } from '../features/certificate/Timeline';
import { ClutterNote, KeptNote, ServerOnlyNote } from '../features/trust/Findings';
import { TrustActions } from '../features/trust/TrustActions';
import { displayName } from '../lib/certificate';
import { usePermissions } from '../shell/session';

/** All about one certificate: its words, who holds it, and what happened to it. */
export function CertificatePage() {
  const { t } = useTranslation();
  const { certificateId } = useParams({ from: '/app/certificates/$certificateId' });
  const { operate } = usePermissions();
  const read = useQuery(certificateQuery(certificateId));
  if (read.data === undefined) {
    return (
      <div className="page">
        {read.isError ? (
          <LoadError page error={read.error} retry={() => void read.refetch()} />
        ) : (
          <Lines count={8} />
        )}
      </div>
    );
  }
  const certificate = read.data;
  return (
    <div className="page">
      <PageHeader
        above={
          <Link to="/certificates" className="page-back">
            <IconChevronLeft size={15} aria-hidden />
            {t('nav.certificates')}
          </Link>
        }
        title={certificate.common_name || displayName(certificate.subject)}
        mark={
          <>
            <LevelBadge level={certificate.status} />
            {certificate.is_ca && <Tag>{t('certificates.ca')}</Tag>}
          </>
        }
        sub={
          <>
            <span>{certificate.self_signed ? t('d.self_signed') : displayName(certificate.issuer)}</span>
            <span>{t('d.places', { count: certificate.installation_count })}</span>
            <span>
              {t('col.expires')} <Time value={certificate.not_after} show="end" />
            </span>
          </>
        }
        actions={
          <>
            {operate && <TrustActions certificate={certificate} />}
            <CertificateFiles certificateId={certificate.id} />
          </>
        }
      />
      <div className="certificate-page">
        <section className="card certificate-card" aria-label={t('d.certificate')}>
          <Validity from={certificate.not_before} until={certificate.not_after} />
          <Acknowledge certificateId={certificate.id} level={certificate.status} />
          <div className="findings">
            <ClutterNote sha256={certificate.sha256} />
            <ServerOnlyNote sha256={certificate.sha256} />
            <KeptNote certificateId={certificate.id} />
          </div>
          <CertificateDetails certificate={certificate} />
        </section>
        <div className="certificate-side">
          <section className="card certificate-card">
            <Holders certificateId={certificate.id} />
          </section>
          <section className="card certificate-card certificate-timeline" aria-labelledby="timeline-title">
            <h2 id="timeline-title">{t('timeline.title')}</h2>
            <Timeline certificate={certificate} />
          </section>
        </div>
      </div>
    </div>
  );
}
