import { Button, Input, SegmentedControl, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useId, useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { ISSUERS } from '../../api/choices';
import { client, fileBody, take } from '../../api/client';
import { invalidate } from '../../api/queries';
import { OneChooser } from '../../components/Choosers';
import { DropZone, useFileDrop } from '../../components/DropZone';
import { LeaveGuard } from '../../components/LeaveGuard';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { sameFields } from '../../lib/merge';
import { useChoice } from '../../lib/use-choice';
import { CERTIFICATE_FILES, readUpload } from '../certificate/read-upload';
import { Verdict } from '../certificate/Upload';
import { EVERYWHERE } from './draft';
import { ScopeFields } from './ScopeFields';

type Source = 'file' | 'inventory';

const SOURCES: Source[] = ['file', 'inventory'];

const FIELD_WORDS: Record<string, string> = {
  name: 'field.name',
  note: 'root.note',
  scope: 'root.scope',
  old_certificate_id: 'root.old',
  new_certificate: 'root.new',
  new_certificate_id: 'root.new',
};

/** Begins a root change: which certificate makes way, which takes its place, and where. Nothing is changed on a node by it. */
export function BeginForm({ oldId }: { oldId: string | null }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const area = useRef<HTMLFormElement>(null);
  const [old, setOld] = useState(oldId);
  const [source, setSource] = useState<Source>('file');
  const [file, setFile] = useState<File | null>(null);
  const [known, setKnown] = useState<string | null>(null);
  const [scope, setScope] = useState(EVERYWHERE);
  const [name, setName] = useState('');
  const [note, setNote] = useState('');
  const [made, setMade] = useState<string | null>(null);
  const sourceLabel = useId();
  const olds = useChoice(ISSUERS, old === null ? [] : [old]);
  const news = useChoice(ISSUERS, known === null ? [] : [known]);
  const inspect = useMutation({
    mutationFn: (chosen: File) => take(client.POST('/api/v1/certificates/inspect', fileBody(chosen))),
  });
  const begin = useMutation({
    mutationFn: async (oldCertificateId: string) =>
      take(
        client.POST('/api/v1/root-changes', {
          body: {
            name: name.trim(),
            note: note.trim(),
            old_certificate_id: oldCertificateId,
            scope,
            ...(source === 'inventory'
              ? { new_certificate_id: known }
              : { new_certificate: file === null ? null : await readUpload(file) }),
          },
        }),
      ),
    onSuccess: (change) => {
      setMade(change.id);
      void invalidate(queries, 'root-changes', 'certificates');
    },
  });
  // After the guard knows that nothing is lost by leaving.
  useEffect(() => {
    if (made === null) return;
    void navigate({ to: '/root-changes/$rootChangeId', params: { rootChangeId: made }, replace: true });
  }, [made]);
  const takeFile = (chosen: File | null) => {
    setSource('file');
    setFile(chosen);
    begin.reset();
    if (chosen === null) inspect.reset();
    else inspect.mutate(chosen);
  };
  const over = useFileDrop(area, takeFile);
  const fieldError = useFieldErrors(begin.error);
  const changed =
    old !== oldId ||
    file !== null ||
    known !== null ||
    name !== '' ||
    note !== '' ||
    !sameFields({ ...scope }, { ...EVERYWHERE });
  const ready = old !== null && (source === 'file' ? file !== null : known !== null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (old !== null) begin.mutate(old);
  };
  return (
    <form ref={area} className="card settings-card root-form" onSubmit={submit} aria-label={t('root.begin')}>
      <LeaveGuard changed={changed && made === null} />
      {begin.error !== null && (
        <ProblemNote
          error={begin.error}
          nameOf={(field) => {
            const words = FIELD_WORDS[field.split('.')[0] ?? ''];
            return words === undefined ? undefined : t(words);
          }}
        />
      )}
      <fieldset>
        <legend>{t('root.old')}</legend>
        <OneChooser
          label={t('root.old_choose')}
          description={t('root.old_hint')}
          choice={olds}
          value={old}
          error={fieldError('old_certificate_id')}
          onChange={setOld}
        />
      </fieldset>
      <fieldset>
        <legend>{t('root.new')}</legend>
        <p className="dim">{t('root.new_hint')}</p>
        <div>
          <span className="field-label" id={sourceLabel}>
            {t('root.source')}
          </span>
          <SegmentedControl
            fullWidth
            aria-labelledby={sourceLabel}
            data={SOURCES.map((value) => ({ value, label: t(`root_source.${value}`) }))}
            value={source}
            onChange={(next) => setSource(SOURCES.find((value) => value === next) ?? 'file')}
          />
        </div>
        {source === 'inventory' ? (
          <OneChooser
            label={t('root.new_choose')}
            choice={news}
            value={known}
            error={fieldError('new_certificate_id')}
            onChange={setKnown}
          />
        ) : (
          <>
            <DropZone accept={CERTIFICATE_FILES} over={over} busy={inspect.isPending} onFile={takeFile}>
              {t('root.drop')}
            </DropZone>
            {inspect.error !== null && <ProblemNote error={inspect.error} />}
            {file !== null && inspect.data !== undefined && (
              <Verdict file={file} inspection={inspect.data} onClear={() => takeFile(null)} />
            )}
            {fieldError('new_certificate') !== undefined && (
              <Input.Error>{fieldError('new_certificate')}</Input.Error>
            )}
          </>
        )}
      </fieldset>
      <fieldset>
        <legend>{t('root.scope')}</legend>
        <ScopeFields value={scope} errorOf={fieldError} onChange={setScope} />
      </fieldset>
      <fieldset>
        <legend>{t('root.words')}</legend>
        <TextInput
          label={t('field.name')}
          description={t('root.name_hint')}
          maxLength={200}
          value={name}
          error={fieldError('name')}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Textarea
          label={t('root.note')}
          autosize
          minRows={2}
          maxLength={2000}
          value={note}
          error={fieldError('note')}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
      </fieldset>
      <div className="form-actions settings-save">
        <Button variant="default" onClick={() => void navigate({ to: '/root-changes' })}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" disabled={!ready} loading={begin.isPending}>
          {t('root.begin')}
        </Button>
      </div>
    </form>
  );
}
