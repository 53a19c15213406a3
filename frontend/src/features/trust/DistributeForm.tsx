import { MultiSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { CLUSTERS } from '../../api/choices';
import { catalogueQuery } from '../../api/queries';
import { ManyChooser } from '../../components/Choosers';
import { DropZone } from '../../components/DropZone';
import { Lines, LoadError } from '../../components/States';
import { useChoice } from '../../lib/use-choice';
import { CERTIFICATE_FILES, readUpload } from '../certificate/read-upload';
import { usePlan } from '../plan/use-plan';
import { PreviewButtons } from './PreviewButtons';

interface DistributeFormProps {
  /** Certificates that are known already; without any a file is asked for (R21). */
  certificateIds?: string[];
  /** Clusters that are chosen at first. */
  clusters?: string[];
  onClose: () => void;
}

/** Chooses clusters and trust stores, and asks what putting a certificate there would do. */
export function DistributeForm({ certificateIds, clusters: first = [], onClose }: DistributeFormProps) {
  const { t } = useTranslation();
  const plan = usePlan();
  const catalogue = useQuery(catalogueQuery);
  const [chosen, setChosen] = useState<string[]>(first);
  const choice = useChoice(CLUSTERS, chosen);
  const [stores, setStores] = useState<string[]>([]);
  const [file, setFile] = useState<File | null>(null);
  const failed = choice.error ?? catalogue.error;
  if (failed !== null) {
    const retry = () => {
      choice.retry();
      void catalogue.refetch();
    };
    return <LoadError error={failed} retry={retry} />;
  }
  if (catalogue.data === undefined) return <Lines count={4} />;
  const products = new Set(choice.chosen.map(({ product }) => product));
  const known = catalogue.data.products
    .filter(({ id }) => products.has(id))
    .flatMap(({ trust_stores }) => trust_stores);
  const ready = chosen.length > 0 && stores.length > 0 && (certificateIds !== undefined || file !== null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const certificate =
      certificateIds === undefined
        ? { certificate: file === null ? undefined : await readUpload(file) }
        : { certificate_ids: certificateIds };
    plan.mutate(
      { action: 'distribute', filter: { cluster_ids: chosen }, stores, ...certificate },
      { onSuccess: onClose },
    );
  };
  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <ManyChooser
        label={t('trust.clusters')}
        autoFocus
        choice={choice}
        value={chosen}
        onChange={setChosen}
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
      {certificateIds === undefined && (
        <DropZone accept={CERTIFICATE_FILES} over={false} busy={false} onFile={setFile}>
          {file === null ? t('trust.file') : file.name}
        </DropZone>
      )}
      <PreviewButtons plan={plan} ready={ready} onClose={onClose} />
    </form>
  );
}
