import { Button, Modal, Select, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { GROUPS } from '../../api/choices';
import { invalidate } from '../../api/queries';
import { OneChooser } from '../../components/Choosers';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { PRODUCTS, useProductName } from '../../lib/products';
import { useChoice } from '../../lib/use-choice';

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
  const [name, setName] = useState('');
  const [product, setProduct] = useState('cucm');
  const [version, setVersion] = useState('15');
  const [group, setGroup] = useState<string | null>(null);
  const choice = useChoice(GROUPS, group === null ? [] : [group]);
  // Until one is chosen: the first of all, not of what was searched for.
  const [first, setFirst] = useState<string | null>(null);
  if (first === null && choice.rows[0] !== undefined) setFirst(choice.rows[0].id);
  const several = choice.rows.length > 1 || choice.search !== '' || group !== null;
  const versions = PRODUCTS[product]?.versions ?? [];

  const add = useMutation({
    mutationFn: () =>
      take(
        client.POST('/api/v1/clusters', {
          body: { name, product, version, group_id: group ?? first ?? undefined },
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
  const fieldError = useFieldErrors(add.error);
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
        error={fieldError('name')}
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
      {several && (
        <OneChooser label={t('field.group')} choice={choice} value={group ?? first} onChange={setGroup} />
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
