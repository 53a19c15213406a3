import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { certificateQuery } from '../../api/queries';
import { LevelBadge } from '../../components/Badge';
import { Panel, PanelWait } from '../../components/Panel';
import { displayName } from '../../lib/certificate';
import { usePermissions } from '../../shell/session';
import { ClutterNote, KeptNote } from '../trust/Findings';
import { TrustActions } from '../trust/TrustActions';
import { Acknowledge } from '../acknowledgement/Acknowledge';
import { CertificateFiles, OpenPage } from './Actions';
import { CertificateDetails, Validity } from './Details';
import { Holders } from './Holders';

interface TrustPanelProps {
  /** The certificate. */
  id: string;
  /** The row that the panel belongs to, where the list names its rows otherwise than by certificate. */
  rowId?: string;
  onClose: () => void;
}

/** One trusted certificate, and all the places that hold it. */
export function TrustPanel({ id, rowId = id, onClose }: TrustPanelProps) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const read = useQuery(certificateQuery(id));
  const certificate = read.data;
  if (certificate === undefined) {
    return (
      <Panel mark={null} title={t('d.certificate')} sub={null} onClose={onClose} rowId={rowId}>
        <PanelWait error={read.error} retry={() => void read.refetch()} />
      </Panel>
    );
  }
  return (
    <Panel
      mark={<LevelBadge level={certificate.status} />}
      title={certificate.common_name || displayName(certificate.subject)}
      sub={<span>{t('d.places', { count: certificate.installation_count })}</span>}
      onClose={onClose}
      rowId={rowId}
    >
      <div className="panel-actions">
        {operate && <TrustActions certificate={certificate} />}
        <CertificateFiles certificateId={certificate.id} />
        <OpenPage certificateId={certificate.id} />
      </div>
      <Validity from={certificate.not_before} until={certificate.not_after} />
      <Acknowledge certificateId={certificate.id} level={certificate.status} />
      <div className="findings">
        <ClutterNote sha256={certificate.sha256} />
        <KeptNote certificateId={certificate.id} />
      </div>
      <Holders certificateId={certificate.id} />
      <CertificateDetails certificate={certificate} />
    </Panel>
  );
}
