import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { invalidate } from '../../api/queries';
import type { CertificateFacts, Installation } from '../../api/types';
import { ServedBadge, Tag } from '../../components/Badge';
import { CopyIcon } from '../../components/Copy';
import { Meter } from '../../components/Counts';
import { Fact } from '../../components/Facts';
import { ProblemNote } from '../../components/States';
import { Time, useNow } from '../../components/Time';
import { colonHex, displayName, elapsedShare, levelOf } from '../../lib/certificate';
import { useMe, usePermissions } from '../../shell/session';
import { refresh } from '../cluster/refresh';

interface ValidityProps {
  from: string;
  until: string;
}

/** How much of the validity has passed, and what is left. */
export function Validity({ from, until }: ValidityProps) {
  const { t } = useTranslation();
  const now = useNow();
  const level = levelOf(until, now, useMe().start_days);
  return (
    <section className="panel-section">
      <div className="validity-head">
        <h3>{t('d.validity')}</h3>
        <Time value={until} show="end" className={`text-${level}`} />
      </div>
      <Meter share={elapsedShare(from, until, now)} tone={level} />
      <div className="validity-ends">
        <Time value={from} show="date" />
        <Time value={until} show="date" />
      </div>
    </section>
  );
}

/** The three clocks: when it was issued, installed, and seen on the wire. */
export function Clocks({ installation }: { installation: Installation }) {
  const { t } = useTranslation();
  const { served } = installation;
  const look =
    served.state === 'served' ? '' : served.state === 'restart_pending' ? 'is-warning' : 'is-muted';
  return (
    <section className="panel-section">
      <dl className="clocks">
        <div className="clock">
          <dt>{t('clock.issued')}</dt>
          <dd>
            <Time value={installation.issued_at} />
          </dd>
        </div>
        <div className="clock">
          <dt>{t('clock.installed')}</dt>
          <dd>
            <Time value={installation.installed_at} />
          </dd>
        </div>
        <div className={`clock ${look}`}>
          <dt>{t('clock.served')}</dt>
          <dd>
            {served.state === 'served' && served.since ? (
              <Time value={served.since} />
            ) : (
              <ServedBadge state={served.state} />
            )}
          </dd>
        </div>
      </dl>
      {served.state === 'restart_pending' && (
        <div className="note note-warning panel-note">
          <div>
            {t('served.restart_text')}
            <ReadAgain installation={installation} />
          </div>
        </div>
      )}
      {served.state !== 'served' && served.note && <p className="dim panel-note">{served.note}</p>}
    </section>
  );
}

/** Restarted by hand, a node is seen to serve it at the next reading: the way to have it read now. */
function ReadAgain({ installation }: { installation: Installation }) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const queries = useQueryClient();
  const read = useMutation({
    mutationFn: () => refresh({ installations: [installation.id] }),
    onSuccess: () => invalidate(queries, 'jobs', 'certificates'),
  });
  if (!operate) return null;
  return (
    <>
      <p>{t('served.read_again_text')}</p>
      {read.error !== null && <ProblemNote error={read.error} />}
      <Button
        size="xs"
        variant="default"
        className="message-retry"
        leftSection={<IconRefresh size={15} aria-hidden />}
        loading={read.isPending}
        onClick={() => read.mutate()}
      >
        {t('served.read_again')}
      </Button>{' '}
      <span role="status">
        {read.data !== undefined && (
          <Link to="/jobs/$jobId" params={{ jobId: read.data.id }}>
            {t('served.reading')}
          </Link>
        )}
      </span>
    </>
  );
}

function Hex({ value }: { value: string }) {
  const { t } = useTranslation();
  const text = colonHex(value);
  return (
    <span className="detail-copy">
      <code>{text}</code>
      <CopyIcon text={text} label={t('act.copy')} />
    </span>
  );
}

/** `RSA 2048`, `EC 256`. */
export function keyText(key: { type: string; bits?: number | null }): string {
  return key.bits ? `${key.type} ${key.bits}` : key.type;
}

export function CertificateDetails({ certificate }: { certificate: CertificateFacts }) {
  const { t } = useTranslation();
  const selfSigned = certificate.self_signed;
  const usages = [...(certificate.key_usage ?? []), ...(certificate.extended_key_usage ?? [])];
  return (
    <section className="panel-section">
      <dl className="details">
        {certificate.warnings.length > 0 && (
          <Fact name={t('d.warnings')}>
            {certificate.warnings.map((warning) => (
              <p key={warning} className="text-warning">
                {warning}
              </p>
            ))}
          </Fact>
        )}
        <Fact name={t('d.issuer')}>
          {selfSigned ? <em>{t('d.self_signed')}</em> : displayName(certificate.issuer)}
          {!selfSigned && <div className="dim">{certificate.issuer}</div>}
        </Fact>
        <Fact name={t('d.subject')}>{certificate.subject}</Fact>
        <Fact name={t('d.key')}>
          {keyText(certificate.key)} · {certificate.signature_algorithm}
        </Fact>
        <Fact name={t('d.serial')}>
          <Hex value={certificate.serial_hex} />
        </Fact>
        <Fact name="SHA-256">
          <Hex value={certificate.sha256} />
        </Fact>
        {certificate.sans.length > 0 && (
          <Fact name={t('d.sans')}>
            <ul>
              {certificate.sans.map(([kind = '', value = '']) => (
                <li key={`${kind} ${value}`}>
                  {value} {kind !== 'dns' && <span className="dim">({kind})</span>}
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {usages.length > 0 && (
          <Fact name={t('d.usage')}>
            <span className="tags">
              {usages.map((usage) => (
                <Tag key={usage}>{usage}</Tag>
              ))}
            </span>
          </Fact>
        )}
      </dl>
    </section>
  );
}
