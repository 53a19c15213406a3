import { Button, Modal, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take, type Tagged } from '../../api/client';
import { invalidate } from '../../api/queries';
import { readRootChange } from '../../api/root-change-queries';
import type { RootChangeDetail } from '../../api/types';
import { ConflictNote, isConflict } from '../../components/ConflictNote';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { sameFields } from '../../lib/merge';
import { draftOf, type Draft, type Within } from './draft';
import { ScopeFields } from './ScopeFields';
import { ScopeNames } from './ScopeText';

/** What each part is called in the form. */
const FIELD_WORDS: Record<string, string> = {
  name: 'field.name',
  note: 'root.note',
  scope: 'root.scope',
};

interface EditDialogProps {
  tagged: Tagged<RootChangeDetail>;
  opened: boolean;
  onClose: () => void;
}

/** Changes name, note and scope of a root change that is open. */
export function EditDialog({ tagged, opened, onClose }: EditDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('root.edit')}
      size={620}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <EditForm tagged={tagged} onClose={onClose} />
    </Modal>
  );
}

function EditForm({ tagged, onClose }: Omit<EditDialogProps, 'opened'>) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  // The page reads on beneath: the form keeps what it was filled in from.
  const [first] = useState(tagged);
  const { id } = first.data;
  const base = draftOf(first.data);
  const [draft, setDraft] = useState(base);
  const save = useMutation({
    mutationFn: ({ mine, etag }: { mine: Draft; etag: string | null }) =>
      take(
        client.PATCH('/api/v1/root-changes/{id}', {
          params: { path: { id }, header: { 'If-Match': etag } },
          body: { name: mine.name, note: mine.note, scope: mine.scope },
        }),
      ),
    onSuccess: async () => {
      await invalidate(queries, 'root-changes');
      onClose();
    },
  });
  const fieldError = useFieldErrors(save.error);
  const set = (part: Partial<Draft>) => setDraft((old) => ({ ...old, ...part }));
  const wordsOf = (field: string) => t(FIELD_WORDS[field] ?? field);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ mine: draft, etag: first.etag });
  };
  return (
    <form className="form" onSubmit={submit} aria-label={t('root.edit')}>
      {isConflict(save.error) ? (
        <ConflictNote
          base={base}
          mine={draft}
          label={wordsOf}
          show={(field, value) =>
            field === 'scope' ? <ScopeNames scope={value as Within} /> : String(value ?? '')
          }
          read={async () => {
            const stored = await readRootChange(id);
            return { ...stored, data: draftOf(stored.data) };
          }}
          busy={save.isPending}
          onTheirs={() => {
            void invalidate(queries, 'root-changes');
            onClose();
          }}
          onMine={(mine, etag) => save.mutate({ mine, etag })}
        />
      ) : (
        save.error !== null && (
          <ProblemNote
            error={save.error}
            nameOf={(field) => {
              const part = field.split('.')[0] ?? '';
              return part in FIELD_WORDS ? wordsOf(part) : undefined;
            }}
          />
        )
      )}
      <TextInput
        label={t('field.name')}
        required
        withAsterisk={false}
        data-autofocus
        maxLength={200}
        value={draft.name}
        error={fieldError('name')}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <Textarea
        label={t('root.note')}
        autosize
        minRows={2}
        maxLength={2000}
        value={draft.note}
        error={fieldError('note')}
        onChange={(event) => set({ note: event.currentTarget.value })}
      />
      <ScopeFields value={draft.scope} errorOf={fieldError} onChange={(scope) => set({ scope })} />
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" disabled={sameFields(draft, base)} loading={save.isPending}>
          {t('act.save')}
        </Button>
      </div>
    </form>
  );
}
