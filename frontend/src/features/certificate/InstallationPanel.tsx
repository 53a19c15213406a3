import { Button, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconFileCertificate, IconUpload } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { installationQuery } from '../../api/queries';
import type { CertificateFacts, Installation } from '../../api/types';
import { LevelBadge } from '../../components/Badge';
import { useFileDrop } from '../../components/DropZone';
import { Panel, PanelWait } from '../../components/Panel';
import { Lines, LoadError } from '../../components/States';
import { useView } from '../../lib/view';
import { usePermissions } from '../../shell/session';
import { ActionMenu } from './ActionMenu';
import { Acknowledge } from '../acknowledgement/Acknowledge';
import { ServerOnlyNote } from '../trust/Findings';
import { Differences } from '../profile/Differences';
import { CertificateFiles, OpenPage } from './Actions';
import { CsrSteps } from './CsrSteps';
import { CertificateDetails, Clocks, Validity } from './Details';
import { History } from './History';

interface InstallationPanelProps {
  id: string;
  /** The row of the list, where the list has it: the panel then opens at once. */
  row: Installation | undefined;
  onClose: () => void;
}

/** One identity certificate of a node, and its way from CSR to the next certificate. */
export function InstallationPanel({ id, row, onClose }: InstallationPanelProps) {
  const { t } = useTranslation();
  const read = useQuery(installationQuery(id));
  const installation: Installation | undefined = read.data ?? row;
  const [view, change] = useView();
  const area = useRef<HTMLElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const takeFile = (next: File | null) => {
    setFile(next);
    if (next !== null && view.do !== 'csr') change({ do: 'csr' }, { replace: true });
  };
  const over = useFileDrop(area, takeFile);
  if (installation === undefined) {
    return (
      <Panel areaRef={area} mark={null} title={t('d.certificate')} sub={null} onClose={onClose} rowId={id}>
        <PanelWait error={read.error} retry={() => void read.refetch()} />
      </Panel>
    );
  }
  return (
    <Panel
      areaRef={area}
      mark={<LevelBadge level={installation.status} />}
      title={installation.common_name || installation.subject}
      sub={
        <>
          <span className="mono">{installation.store}</span>
          <span>{installation.node.name}</span>
          <span>{installation.cluster.name}</span>
        </>
      }
      onClose={onClose}
      rowId={id}
    >
      <PanelContent
        installation={installation}
        certificate={read.data?.certificate}
        error={read.error}
        retry={() => void read.refetch()}
        file={file}
        over={over}
        onFile={takeFile}
      />
    </Panel>
  );
}

interface PanelContentProps {
  installation: Installation;
  certificate: CertificateFacts | undefined;
  error: unknown;
  retry: () => void;
  file: File | null;
  over: boolean;
  onFile: (file: File | null) => void;
}

const TABS = ['details', 'csr', 'history'];

function PanelContent(props: PanelContentProps) {
  const { installation, certificate, file, over, onFile } = props;
  const { t } = useTranslation();
  const [view, change] = useView();
  const { operate } = usePermissions();
  const tab = TABS.includes(view.do ?? '') ? view.do : 'details';
  const waiting = installation.csr != null;
  const openSteps = () => change({ do: 'csr' }, { replace: true });
  return (
    <>
      <div className="panel-actions">
        {operate && tab !== 'csr' && (
          <Button
            leftSection={
              waiting ? <IconUpload size={16} aria-hidden /> : <IconFileCertificate size={16} aria-hidden />
            }
            onClick={openSteps}
          >
            {waiting ? t('act.upload') : t('act.csr')}
          </Button>
        )}
        {operate && <ActionMenu installation={installation} />}
        <CertificateFiles certificateId={installation.certificate_id} />
        <OpenPage certificateId={installation.certificate_id} />
      </div>
      <Tabs
        value={tab ?? 'details'}
        onChange={(next) =>
          change({ do: next === 'details' ? undefined : (next ?? undefined) }, { replace: true })
        }
      >
        <Tabs.List>
          <Tabs.Tab value="details">{t('d.details')}</Tabs.Tab>
          <Tabs.Tab value="csr">{t('csr.tab')}</Tabs.Tab>
          <Tabs.Tab value="history">{t('d.history')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="details">
          {tab === 'details' && (
            <>
              <Validity from={installation.not_before} until={installation.not_after} />
              <Acknowledge certificateId={installation.certificate_id} level={installation.status} />
              <Clocks installation={installation} />
              {certificate !== undefined && (
                <div className="findings">
                  <ServerOnlyNote sha256={certificate.sha256} />
                </div>
              )}
              <ProfileDifferences installation={installation} />
              {certificate !== undefined && <CertificateDetails certificate={certificate} />}
              {certificate === undefined && props.error === null && (
                <div className="panel-section">
                  <Lines count={7} />
                </div>
              )}
              {certificate === undefined && props.error !== null && (
                <LoadError error={props.error} retry={props.retry} />
              )}
            </>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="csr">
          {tab === 'csr' && certificate !== undefined && (
            <CsrSteps
              installation={installation}
              certificate={certificate}
              file={file}
              over={over}
              onFile={onFile}
            />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="history">
          {tab === 'history' && <History installationId={installation.id} />}
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

/** Where the certificate is not as the cluster's profile wants it. */
function ProfileDifferences({ installation }: { installation: Installation }) {
  const { t } = useTranslation();
  const differences = installation.compliance?.differences ?? [];
  if (differences.length === 0) return null;
  return (
    <section className="panel-section">
      <h3>{t('compliance.differences')}</h3>
      <Differences differences={differences} />
    </section>
  );
}
