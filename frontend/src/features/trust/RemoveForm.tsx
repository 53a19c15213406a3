import { MultiSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { holdersQuery } from '../../api/queries';
import type { Certificate } from '../../api/types';
import { DropZone } from '../../components/DropZone';
import { Lines, LoadError } from '../../components/States';
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
  const holders = useQuery(holdersQuery(certificate.id));
  const [chosen, setChosen] = useState<string[]>([]);
  const [stores, setStores] = useState<string[]>([]);
  const [file, setFile] = useState<File | null>(null);
  if (holders.isError) return <LoadError error={holders.error} retry={() => void holders.refetch()} />;
  if (holders.data === undefined) return <Lines count={4} />;
  const rows = holders.data.items;
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
      />
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
