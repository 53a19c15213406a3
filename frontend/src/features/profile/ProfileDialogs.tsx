import { Button, Modal } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { CLUSTERS } from '../../api/choices';
import { invalidate } from '../../api/queries';
import type { Profile } from '../../api/types';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { ManyChooser } from '../../components/Choosers';
import { LoadError, ProblemNote } from '../../components/States';
import { useAct } from '../../lib/use-act';
import { useChoice } from '../../lib/use-choice';
import { NewProfileDialog } from './NewProfileDialog';

interface ProfileDialogsProps {
  profile: Profile | undefined;
  doing: string | undefined;
  onClose: () => void;
}

/** What lies over a list or page of profiles, as the address says. */
export function ProfileDialogs({ profile, doing, onClose }: ProfileDialogsProps) {
  if (profile === undefined) return null;
  return (
    <>
      <NewProfileDialog copyOf={profile} opened={doing === 'copy'} onClose={onClose} />
      <AssignDialog profile={profile} opened={doing === 'assign'} onClose={onClose} />
      <DefaultDialog profile={profile} opened={doing === 'default'} onClose={onClose} />
      <DeleteDialog profile={profile} opened={doing === 'delete'} onClose={onClose} />
    </>
  );
}

interface DialogProps {
  profile: Profile;
  opened: boolean;
  onClose: () => void;
}

function AssignDialog({ profile, opened, onClose }: DialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('profiles.assign')}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <AssignForm profile={profile} onClose={onClose} />
    </Modal>
  );
}

function AssignForm({ profile, onClose }: Omit<DialogProps, 'opened'>) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<string[]>([]);
  const choice = useChoice(CLUSTERS, chosen);
  const assign = useMutation({
    mutationFn: () =>
      take(
        client.POST('/api/v1/profiles/{id}/clusters', {
          params: { path: { id: profile.id } },
          body: { cluster_ids: chosen },
        }),
      ),
    onSuccess: async () => {
      await invalidate(queries, 'profiles', 'clusters', 'certificates');
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    assign.mutate();
  };
  return (
    <form className="form" onSubmit={submit}>
      <p>{t('profiles.assign_text', { name: profile.name })}</p>
      {assign.error !== null && <ProblemNote error={assign.error} />}
      {choice.error !== null && <LoadError error={choice.error} retry={choice.retry} />}
      <ManyChooser
        label={t('nav.clusters')}
        autoFocus
        choice={choice}
        words={({ name, profile: now }) => `${name} (${now.name})`}
        value={chosen}
        onChange={setChosen}
      />
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" disabled={chosen.length === 0} loading={assign.isPending}>
          {t('profiles.assign')}
        </Button>
      </div>
    </form>
  );
}

function DefaultDialog({ profile, opened, onClose }: DialogProps) {
  const { t } = useTranslation();
  const make = useAct(
    () => client.POST('/api/v1/profiles/{id}/default', { params: { path: { id: profile.id } } }),
    ['profiles', 'clusters', 'certificates'],
    onClose,
  );
  return (
    <ConfirmDialog
      title={t('profiles.make_default')}
      act={t('profiles.make_default')}
      opened={opened}
      {...make}
      onClose={onClose}
    >
      {t('profiles.make_default_text', { name: profile.name })}
    </ConfirmDialog>
  );
}

function DeleteDialog({ profile, opened, onClose }: DialogProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const remove = useAct(
    () =>
      client.DELETE('/api/v1/profiles/{id}', {
        // The dialog has said what it is used for.
        params: { path: { id: profile.id }, query: { confirm: true } },
      }),
    ['profiles', 'clusters', 'certificates'],
    () => navigate({ to: '/profiles' }),
  );
  return (
    <ConfirmDialog
      title={t('profiles.delete_title', { name: profile.name })}
      act={t('profiles.delete')}
      opened={opened}
      {...remove}
      onClose={onClose}
    >
      {profile.cluster_count > 0 ? (
        <p className="note note-warning">{t('profiles.delete_used', { count: profile.cluster_count })}</p>
      ) : (
        t('profiles.delete_unused')
      )}
    </ConfirmDialog>
  );
}
