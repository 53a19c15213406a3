import { Button, Modal, Select, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconBellOff } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { acknowledgementQuery, invalidate } from '../../api/queries';
import type { Level } from '../../api/types';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { ProblemNote, useFieldErrors } from '../../components/States';
import { Time } from '../../components/Time';
import { useAct } from '../../lib/use-act';
import { usePermissions } from '../../shell/session';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Days for which mails can be held back; the server takes a year at most. */
const PERIODS = [7, 14, 30, 90, 180, 365];

interface AcknowledgeProps {
  certificateId: string;
  level: Level;
}

/** Somebody knows of a certificate that ends: no mail for a while, with the reason. Only where it would be warned of. */
export function Acknowledge({ certificateId, level }: AcknowledgeProps) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const [open, setOpen] = useState<'ask' | 'end' | null>(null);
  const close = () => setOpen(null);
  const found = useQuery(acknowledgementQuery(certificateId)).data;
  const holds = found?.items[0];
  const end = useAct(
    () => client.DELETE('/api/v1/acknowledgements/{id}', { params: { path: { id: holds?.id ?? '' } } }),
    ['certificates'],
    close,
  );
  if (found === undefined || (holds === undefined && (level === 'valid' || !operate))) return null;
  if (holds === undefined) {
    return (
      <section className="panel-section">
        <div>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconBellOff size={15} aria-hidden />}
            onClick={() => setOpen('ask')}
          >
            {t('ack.act')}
          </Button>
        </div>
        <Modal
          opened={open === 'ask'}
          onClose={close}
          title={t('ack.act')}
          closeButtonProps={{ 'aria-label': t('act.close') }}
        >
          <AcknowledgeForm certificateId={certificateId} onClose={close} />
        </Modal>
      </section>
    );
  }
  return (
    <section className="panel-section">
      <div className="note note-muted">
        <IconBellOff size={18} aria-hidden />
        <div className="ack">
          <strong>
            {t('ack.quiet_until')} <Time value={holds.until} show="date" />
          </strong>
          <p>{holds.reason}</p>
          <p className="dim">
            {holds.created_by}, <Time value={holds.created_at} />
          </p>
          {operate && (
            <div>
              <Button variant="default" size="xs" onClick={() => setOpen('end')}>
                {t('ack.end')}
              </Button>
            </div>
          )}
        </div>
      </div>
      <ConfirmDialog title={t('ack.end')} act={t('ack.end')} opened={open === 'end'} onClose={close} {...end}>
        {t('ack.end_text')}
      </ConfirmDialog>
    </section>
  );
}

function AcknowledgeForm({ certificateId, onClose }: { certificateId: string; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const [days, setDays] = useState('14');
  const make = useMutation({
    mutationFn: () =>
      take(
        client.POST('/api/v1/acknowledgements', {
          body: {
            certificate_id: certificateId,
            reason,
            // A little less than the whole time: the most is counted by the server's clock.
            until: new Date(Date.now() + Number(days) * DAY_MS - 60_000).toISOString(),
          },
        }),
      ),
    onSuccess: async () => {
      onClose();
      await invalidate(queries, 'certificates');
    },
  });
  const fieldError = useFieldErrors(make.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form className="form" onSubmit={submit}>
      <p>{t('ack.text')}</p>
      {make.error !== null && <ProblemNote error={make.error} />}
      <TextInput
        label={t('ack.reason')}
        description={t('ack.reason_hint')}
        required
        withAsterisk={false}
        data-autofocus
        maxLength={500}
        value={reason}
        error={fieldError('reason')}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <Select
        label={t('ack.until')}
        data={PERIODS.map((count) => ({ value: String(count), label: t('ack.days', { count }) }))}
        value={days}
        error={fieldError('until')}
        onChange={(next) => setDays(next ?? days)}
      />
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" loading={make.isPending}>
          {t('ack.act')}
        </Button>
      </div>
    </form>
  );
}
