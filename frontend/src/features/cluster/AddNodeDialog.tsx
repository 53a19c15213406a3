import { Button, Modal, Select, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { AGENTS } from '../../api/choices';
import { invalidate } from '../../api/queries';
import type { Cluster, NodeRole } from '../../api/types';
import { OneChooser } from '../../components/Choosers';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { PRODUCTS, connectorOf } from '../../lib/products';
import { useChoice } from '../../lib/use-choice';

interface AddNodeDialogProps {
  cluster: Cluster;
  opened: boolean;
  onClose: () => void;
}

export function AddNodeDialog({ cluster, opened, onClose }: AddNodeDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('nodes.add')}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <AddNodeForm cluster={cluster} onClose={onClose} />
    </Modal>
  );
}

function AddNodeForm({ cluster, onClose }: { cluster: Cluster; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const product = PRODUCTS[cluster.product];
  const roles: NodeRole[] = product?.roles ?? ['standalone'];
  const [name, setName] = useState('');
  const [address, setAddress] = useState('');
  const [role, setRole] = useState<NodeRole>(
    (cluster.node_count > 0 ? roles.at(-1) : roles[0]) ?? 'standalone',
  );
  const [agent, setAgent] = useState<string | null>(null);
  const choice = useChoice(AGENTS, agent === null ? [] : [agent]);
  const [first, setFirst] = useState<string | null>(null);
  if (first === null && choice.rows[0] !== undefined) setFirst(choice.rows[0].id);

  const add = useMutation({
    mutationFn: () =>
      take(
        client.POST('/api/v1/clusters/{id}/nodes', {
          params: { path: { id: cluster.id } },
          body: {
            name,
            address: address || name,
            role,
            connector: connectorOf(cluster.product, cluster.version),
            agent_id: agent ?? first,
          },
        }),
      ),
    onSuccess: async () => {
      await invalidate(queries, 'clusters');
      onClose();
    },
  });
  const fieldError = useFieldErrors(add.error);
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
        maxLength={200}
        placeholder="sto-cucm-01-pub.example.org"
        value={name}
        error={fieldError('name')}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label={t('field.address')}
        description={t('field.address_hint')}
        maxLength={260}
        placeholder={name === '' ? 'sto-cucm-01-pub.example.org:443' : name}
        value={address}
        error={fieldError('address')}
        onChange={(event) => setAddress(event.currentTarget.value)}
      />
      <div className="form-row">
        {roles.length > 1 && (
          <Select
            label={t('col.role')}
            data={roles.map((value) => ({ value, label: t(`node_role.${value}`) }))}
            value={role}
            onChange={(value) => setRole(roles.find((item) => item === value) ?? role)}
          />
        )}
        {first !== null && (
          <OneChooser label={t('col.agent')} choice={choice} value={agent ?? first} onChange={setAgent} />
        )}
      </div>
      {first === null && !choice.loading && <p className="note note-warning">{t('nodes.no_agent')}</p>}
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" loading={add.isPending}>
          {t('nodes.add')}
        </Button>
      </div>
    </form>
  );
}
