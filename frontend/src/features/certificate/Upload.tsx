import { ActionIcon, Button } from '@mantine/core';
import { IconAlertTriangle, IconX } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { client, fileBody, take } from '../../api/client';
import type { Csr, Inspection } from '../../api/types';
import { DropZone } from '../../components/DropZone';
import { ProblemNote } from '../../components/States';
import { Time } from '../../components/Time';
import { displayName } from '../../lib/certificate';
import { holdsKeyOf } from '../../lib/csr-key';
import { usePlan } from '../plan/use-plan';
import { keyText } from './Details';
import { CERTIFICATE_FILES, readUpload } from './read-upload';

interface UploadProps {
  csr: Csr;
  file: File | null;
  over: boolean;
  onFile: (file: File | null) => void;
}

/** Takes the CA's answer: the server reads it and says what it is before anything is installed. */
export function Upload({ csr, file, over, onFile }: UploadProps) {
  const { t } = useTranslation();
  const inspect = useMutation({
    mutationFn: async (chosen: File) => ({
      found: await take(client.POST('/api/v1/certificates/inspect', fileBody(chosen))),
      fits: holdsKeyOf(csr.pem, new Uint8Array(await chosen.arrayBuffer())),
    }),
  });
  const plan = usePlan();
  const { mutate: startInspect, reset: resetInspect } = inspect;
  const { reset: resetPlan } = plan;
  useEffect(() => {
    resetPlan();
    if (file === null) resetInspect();
    else startInspect(file);
  }, [file, startInspect, resetInspect, resetPlan]);

  const preview = async () => {
    if (file === null) return;
    plan.mutate({
      action: 'upload_certificate',
      csr_id: csr.id,
      certificate: await readUpload(file),
    });
  };
  return (
    <>
      <DropZone accept={CERTIFICATE_FILES} over={over} busy={inspect.isPending} onFile={onFile}>
        {t('upload.drop')}
      </DropZone>
      {inspect.error !== null && <ProblemNote error={inspect.error} />}
      {file !== null && inspect.data !== undefined && (
        <>
          <Verdict file={file} inspection={inspect.data.found} onClear={() => onFile(null)} />
          {inspect.data.fits === false && (
            <div className="note note-expired" role="alert">
              <IconAlertTriangle size={18} aria-hidden />
              <div>
                <strong>{t('problem.key_mismatch')}</strong>
                <p>{t('upload.mismatch')}</p>
              </div>
            </div>
          )}
        </>
      )}
      {plan.error !== null && <ProblemNote error={plan.error} />}
      {inspect.data !== undefined && (
        <div>
          <Button
            variant={inspect.data.fits === false ? 'default' : 'filled'}
            loading={plan.isPending}
            onClick={() => void preview()}
          >
            {t('plan.preview')}
          </Button>
        </div>
      )}
    </>
  );
}

interface VerdictProps {
  file: File;
  inspection: Inspection;
  onClear: () => void;
}

/** What the server has read in a file. */
export function Verdict({ file, inspection, onClear }: VerdictProps) {
  const { t } = useTranslation();
  return (
    <div className="verdict" role="status">
      <div className="verdict-head">
        <span>
          {file.name} · {t('upload.found', { count: inspection.certificates.length })}
        </span>
        <ActionIcon size="sm" aria-label={t('act.clear')} onClick={onClear}>
          <IconX size={15} aria-hidden />
        </ActionIcon>
      </div>
      {inspection.certificates.map((certificate) => (
        <div key={certificate.sha256} className="verdict-item">
          <strong>{displayName(certificate.subject)}</strong>
          <span className="dim">
            {certificate.self_signed
              ? t('d.self_signed')
              : t('upload.issued_by', { issuer: displayName(certificate.issuer) })}
            {' · '}
            {keyText(certificate.key)}
          </span>
          <span className="dim">
            {t('history.until')} <Time value={certificate.not_after} show="date" /> (
            <Time value={certificate.not_after} show="end" />)
          </span>
        </div>
      ))}
    </div>
  );
}
