import { Button, Modal, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { invalidate } from '../../api/queries';
import type { Profile } from '../../api/types';
import { ProblemNote, useFieldErrors } from '../../components/States';

interface NewProfileDialogProps {
  /** The profile that is copied; without one a new one wants nothing yet. */
  copyOf?: Profile;
  opened: boolean;
  onClose: () => void;
}

/** Makes a profile, new or as a copy, and goes on to its editor. */
export function NewProfileDialog({ copyOf, opened, onClose }: NewProfileDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={copyOf === undefined ? t('profiles.add') : t('profiles.copy')}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <NewProfileForm copyOf={copyOf} onClose={onClose} />
    </Modal>
  );
}

function NewProfileForm({ copyOf, onClose }: Omit<NewProfileDialogProps, 'opened'>) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState(copyOf === undefined ? '' : t('profiles.copy_of', { name: copyOf.name }));
  const [description, setDescription] = useState('');
  const make = useMutation({
    mutationFn: () =>
      take(
        copyOf === undefined
          ? client.POST('/api/v1/profiles', { body: { name, description, settings: [] } })
          : client.POST('/api/v1/profiles/{id}/copy', {
              params: { path: { id: copyOf.id } },
              body: { name },
            }),
      ),
    onSuccess: async (profile) => {
      await invalidate(queries, 'profiles');
      await navigate({ to: '/profiles/$profileId', params: { profileId: profile.id } });
    },
  });
  const fieldError = useFieldErrors(make.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form className="form" onSubmit={submit}>
      {make.error !== null && <ProblemNote error={make.error} />}
      <TextInput
        label={t('field.name')}
        required
        withAsterisk={false}
        data-autofocus
        maxLength={200}
        value={name}
        error={fieldError('name')}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      {copyOf === undefined && (
        <Textarea
          label={t('field.description')}
          autosize
          minRows={2}
          maxRows={5}
          value={description}
          error={fieldError('description')}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
      )}
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" loading={make.isPending}>
          {copyOf === undefined ? t('profiles.add') : t('profiles.copy')}
        </Button>
      </div>
    </form>
  );
}
