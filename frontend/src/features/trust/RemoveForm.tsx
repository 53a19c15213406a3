import { Button, MultiSelect } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { certificateClustersQuery } from '../../api/queries';
import type { Certificate, CertificateCluster } from '../../api/types';
import { DropZone } from '../../components/DropZone';
import { Lines, LoadError } from '../../components/States';
import { useList } from '../../lib/use-list';
import { CERTIFICATE_FILES, readUpload } from '../certificate/read-upload';
import { usePlan } from '../plan/use-plan';
import { PreviewButtons } from './PreviewButtons';

interface RemoveFormProps {
  action: 'delete' | 'replace';
  certificate: Certificate;
  onClose: () => void;
}

/** Chooses from which clusters and trust stores a certificate goes, and what takes its place. */
export function RemoveForm({ action, certificate, onClose }: RemoveFormProps) {
  const { t } = useTranslation();
  const plan = usePlan();
  const holders = useList<CertificateCluster>(certificateClustersQuery(certificate.id, 'trust'));
  const [chosen, setChosen] = useState<string[]>([]);
  const [stores, setStores] = useState<string[]>([]);
  const [file, setFile] = useState<File | null>(null);
  if (holders.rows === undefined) {
    if (holders.error !== null) return <LoadError error={holders.error} retry={holders.retry} />;
    return <Lines count={4} />;
  }
  const rows = holders.rows;
  const known = rows.filter(({ cluster }) => chosen.includes(cluster.id)).flatMap((row) => row.stores);
  const ready = chosen.length > 0 && (action === 'delete' || file !== null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    plan.mutate(
      {
        action,
        filter: { cluster_ids: chosen },
        stores,
        certificate_ids: [certificate.id],
        certificate: file === null ? undefined : await readUpload(file),
      },
      { onSuccess: onClose },
    );
  };
  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <MultiSelect
        label={t('trust.clusters')}
        searchable
        data={rows.map(({ cluster }) => ({ value: cluster.id, label: cluster.name }))}
        value={chosen}
        onChange={setChosen}
        data-autofocus
        // The list has no search of its own: the rest of it comes page by page.
        description={holders.more.has ? t('trust.more_clusters', { count: rows.length }) : undefined}
        scrollAreaProps={{ onBottomReached: () => holders.more.has && holders.more.load() }}
      />
      {holders.more.has && (
        <div>
          <Button variant="default" size="xs" loading={holders.more.loading} onClick={holders.more.load}>
            {t('list.more')}
          </Button>
        </div>
      )}
      <MultiSelect
        label={t('col.stores')}
        description={t('trust.all_stores')}
        disabled={chosen.length === 0}
        data={[...new Set(known)].sort()}
        value={stores}
        onChange={setStores}
      />
      {action === 'replace' && (
        <DropZone accept={CERTIFICATE_FILES} over={false} busy={false} onFile={setFile}>
          {file === null ? t('trust.file') : file.name}
        </DropZone>
      )}
      <PreviewButtons plan={plan} ready={ready} onClose={onClose} />
    </form>
  );
}
