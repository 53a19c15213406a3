import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { csrQuery } from '../../api/queries';
import type { CertificateFacts, Csr, Installation } from '../../api/types';
import { CopyButton } from '../../components/Copy';
import { Lines, LoadError } from '../../components/States';
import { Time } from '../../components/Time';
import { usePermissions } from '../../shell/session';
import { Step } from '../onboarding/Onboarding';
import { CsrForm } from './CsrForm';
import { keyText } from './Details';
import { Upload } from './Upload';

interface CsrStepsProps {
  installation: Installation;
  certificate: CertificateFacts;
  file: File | null;
  over: boolean;
  onFile: (file: File | null) => void;
}

/** From the CSR to the certificate: the node makes it, a CA signs it, the answer is installed. */
export function CsrSteps(props: CsrStepsProps) {
  const { installation } = props;
  const csrId = installation.csr?.id ?? null;
  const csr = useQuery({ ...csrQuery(csrId ?? ''), enabled: csrId !== null });
  if (csrId !== null && csr.data === undefined) {
    return (
      <section className="panel-section">
        {csr.isError ? <LoadError error={csr.error} retry={() => void csr.refetch()} /> : <Lines />}
      </section>
    );
  }
  return <Steps {...props} csr={csrId === null ? null : (csr.data ?? null)} key={csrId} />;
}

function Steps({ installation, certificate, csr, file, over, onFile }: CsrStepsProps & { csr: Csr | null }) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const [again, setAgain] = useState(false);
  const makeNow = csr === null || again;
  if (!operate) return <p className="panel-section dim">{t('role.needs_operator')}</p>;
  return (
    <ol className="panel-section steps">
      <Step done={!makeNow} now={makeNow} title={t('csr.step_make')}>
        {makeNow ? (
          <CsrForm
            installation={installation}
            certificate={certificate}
            onCancel={csr === null ? undefined : () => setAgain(false)}
          />
        ) : (
          <CsrFacts csr={csr} onAgain={() => setAgain(true)} />
        )}
      </Step>
      <Step done={false} now={!makeNow} title={t('csr.step_sign')}>
        {csr === null || again ? (
          <p className="dim">{t('csr.sign_later')}</p>
        ) : (
          <>
            <p className="dim">{t('csr.sign_text')}</p>
            <div className="step-actions">
              <CopyButton text={csr.pem} label={t('csr.copy')} />
              <Button
                component="a"
                variant="default"
                href={`/api/v1/csrs/${csr.id}.pem`}
                download
                leftSection={<IconDownload size={16} aria-hidden />}
              >
                {t('csr.download')}
              </Button>
            </div>
          </>
        )}
      </Step>
      <Step done={false} now={!makeNow && file !== null} title={t('csr.step_upload')}>
        {csr === null || again ? (
          <p className="dim">{t('csr.upload_later')}</p>
        ) : (
          <Upload csr={csr} file={file} over={over} onFile={onFile} />
        )}
      </Step>
    </ol>
  );
}

function CsrFacts({ csr, onAgain }: { csr: Csr; onAgain: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <p className="dim">
        {csr.common_name || csr.subject} · {keyText(csr.key)} · <Time value={csr.created_at} />
      </p>
      {csr.sans.length > 0 && <p className="dim">{csr.sans.map(([, value]) => value).join(', ')}</p>}
      <div>
        <Button variant="default" size="xs" onClick={onAgain}>
          {t('csr.again')}
        </Button>
      </div>
    </>
  );
}
