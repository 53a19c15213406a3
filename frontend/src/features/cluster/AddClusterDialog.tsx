import { Button, Modal, Select, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { ApiError } from '../../api/problem';
import { groupsQuery, invalidate } from '../../api/queries';
import { ProblemNote } from '../../components/States';
import { PRODUCTS, useProductName } from '../../lib/products';

interface DialogProps {
  opened: boolean;
  onClose: () => void;
}

export function AddClusterDialog({ opened, onClose }: DialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('clusters.add')}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <AddClusterForm onClose={onClose} />
    </Modal>
  );
}

function AddClusterForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const productName = useProductName();
  const groups = useQuery(groupsQuery).data?.items ?? [];
  const [name, setName] = useState('');
  const [product, setProduct] = useState('cucm');
  const [version, setVersion] = useState('15');
  const [group, setGroup] = useState<string | null>(null);
  const versions = PRODUCTS[product]?.versions ?? [];

  const add = useMutation({
    mutationFn: () =>
      take(
        client.POST('/api/v1/clusters', {
          body: { name, product, version, group_id: group ?? groups[0]?.id },
        }),
      ),
    onSuccess: async (cluster) => {
      await invalidate(queries, 'clusters');
      await navigate({
        to: '/clusters/$clusterId/$tab',
        params: { clusterId: cluster.id, tab: 'nodes' },
        search: { do: 'add' },
      });
    },
  });
  const changeProduct = (next: string) => {
    setProduct(next);
    setVersion(PRODUCTS[next]?.versions.at(-1) ?? '');
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form className="form" onSubmit={submit}>
      {add.error !== null && <ProblemNote error={add.error} />}
      <TextInput
        label={t('field.name')}
        required
        withAsterisk={false}
        data-autofocus
        maxLength={100}
        placeholder="sto-cucm-01"
        value={name}
        error={add.error instanceof ApiError ? add.error.field('name') : undefined}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <div className="form-row">
        <Select
          label={t('col.product')}
          data={Object.keys(PRODUCTS).map((value) => ({ value, label: productName(value) }))}
          value={product}
          onChange={(value) => changeProduct(value ?? product)}
        />
        {versions.length > 0 && (
          <Select
            label={t('field.version')}
            data={versions}
            value={version}
            onChange={(value) => setVersion(value ?? version)}
          />
        )}
      </div>
      {groups.length > 1 && (
        <Select
          label={t('field.group')}
          data={groups.map((item) => ({ value: item.id, label: item.name }))}
          value={group ?? groups[0]?.id ?? null}
          onChange={setGroup}
        />
      )}
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" loading={add.isPending}>
          {t('clusters.add')}
        </Button>
      </div>
    </form>
  );
}
