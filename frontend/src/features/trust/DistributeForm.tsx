import { MultiSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { allClustersQuery, catalogueQuery } from '../../api/queries';
import { DropZone } from '../../components/DropZone';
import { Lines, LoadError } from '../../components/States';
import { CERTIFICATE_FILES, readUpload } from '../certificate/read-upload';
import { usePlan } from '../plan/use-plan';
import { PreviewButtons } from './PreviewButtons';

interface DistributeFormProps {
  /** A certificate that is known already; without one a file is asked for (R21). */
  certificateId?: string;
  /** Clusters that are chosen at first. */
  clusters?: string[];
  onClose: () => void;
}

/** Chooses clusters and trust stores, and asks what putting a certificate there would do. */
export function DistributeForm({ certificateId, clusters: first = [], onClose }: DistributeFormProps) {
  const { t } = useTranslation();
  const plan = usePlan();
  const clusters = useQuery(allClustersQuery);
  const catalogue = useQuery(catalogueQuery);
  const [chosen, setChosen] = useState<string[]>(first);
  const [stores, setStores] = useState<string[]>([]);
  const [file, setFile] = useState<File | null>(null);
  const failed = clusters.error ?? catalogue.error;
  if (failed !== null) return <LoadError error={failed} retry={() => void clusters.refetch()} />;
  if (clusters.data === undefined || catalogue.data === undefined) return <Lines count={4} />;
  const products = new Set(
    clusters.data.filter(({ id }) => chosen.includes(id)).map(({ product }) => product),
  );
  const known = catalogue.data.products
    .filter(({ id }) => products.has(id))
    .flatMap(({ trust_stores }) => trust_stores);
  const ready = chosen.length > 0 && stores.length > 0 && (certificateId !== undefined || file !== null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const certificate =
      certificateId === undefined
        ? { certificate: file === null ? undefined : await readUpload(file) }
        : { certificate_ids: [certificateId] };
    plan.mutate(
      { action: 'distribute', filter: { cluster_ids: chosen }, stores, ...certificate },
      { onSuccess: onClose },
    );
  };
  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <MultiSelect
        label={t('trust.clusters')}
        searchable
        data={clusters.data.map(({ id, name }) => ({ value: id, label: name }))}
        value={chosen}
        onChange={setChosen}
        data-autofocus
      />
      <MultiSelect
        label={t('col.stores')}
        description={chosen.length === 0 ? t('trust.clusters_first') : undefined}
        disabled={chosen.length === 0}
        searchable
        data={[...new Set(known)].sort()}
        value={stores}
        onChange={setStores}
      />
      {certificateId === undefined && (
        <DropZone accept={CERTIFICATE_FILES} over={false} busy={false} onFile={setFile}>
          {file === null ? t('trust.file') : file.name}
        </DropZone>
      )}
      <PreviewButtons plan={plan} ready={ready} onClose={onClose} />
    </form>
  );
}
