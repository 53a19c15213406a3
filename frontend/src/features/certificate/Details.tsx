import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { CertificateFacts, Installation } from '../../api/types';
import { ServedBadge, Tag } from '../../components/Badge';
import { CopyIcon } from '../../components/Copy';
import { Meter } from '../../components/Counts';
import { Time, useNow } from '../../components/Time';
import { colonHex, displayName, elapsedShare, levelOf } from '../../lib/certificate';
import { useMe } from '../../shell/session';

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
        <Time value={until} className={`text-${level}`} />
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
          <div>{t('served.restart_text')}</div>
        </div>
      )}
      {served.state !== 'served' && served.note && <p className="dim panel-note">{served.note}</p>}
    </section>
  );
}

function Detail({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
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
          <Detail name={t('d.warnings')}>
            {certificate.warnings.map((warning) => (
              <p key={warning} className="text-warning">
                {warning}
              </p>
            ))}
          </Detail>
        )}
        <Detail name={t('d.issuer')}>
          {selfSigned ? <em>{t('d.self_signed')}</em> : displayName(certificate.issuer)}
          {!selfSigned && <div className="dim">{certificate.issuer}</div>}
        </Detail>
        <Detail name={t('d.subject')}>{certificate.subject}</Detail>
        <Detail name={t('d.key')}>
          {keyText(certificate.key)} · {certificate.signature_algorithm}
        </Detail>
        <Detail name={t('d.serial')}>
          <Hex value={certificate.serial_hex} />
        </Detail>
        <Detail name="SHA-256">
          <Hex value={certificate.sha256} />
        </Detail>
        {certificate.sans.length > 0 && (
          <Detail name={t('d.sans')}>
            <ul>
              {certificate.sans.map(([kind = '', value = '']) => (
                <li key={`${kind} ${value}`}>
                  {value} {kind !== 'dns' && <span className="dim">({kind})</span>}
                </li>
              ))}
            </ul>
          </Detail>
        )}
        {usages.length > 0 && (
          <Detail name={t('d.usage')}>
            <span className="tags">
              {usages.map((usage) => (
                <Tag key={usage}>{usage}</Tag>
              ))}
            </span>
          </Detail>
        )}
      </dl>
    </section>
  );
}
