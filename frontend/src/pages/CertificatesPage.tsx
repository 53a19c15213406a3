import { Link, useNavigate } from '@tanstack/react-router';
import { IconCertificate } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { certificatesQuery } from '../api/queries';
import type { CertificateRow } from '../api/types';
import { LevelBadge, Tag } from '../components/Badge';
import { CsvButton } from '../components/CsvButton';
import { DataTable, type Column } from '../components/DataTable';
import { ChoiceFilter, SearchField } from '../components/Filters';
import { PageHeader } from '../components/PageHeader';
import { EmptyState, NoMatch } from '../components/States';
import { Time } from '../components/Time';
import { keyText } from '../features/certificate/Details';
import { colonHex, displayName } from '../lib/certificate';
import { addDays, dayOf, startOfDay } from '../lib/days';
import { useList } from '../lib/use-list';
import { CertificateBulk } from '../features/bulk/CertificateBulk';
import { useSelection } from '../lib/use-selection';
import { usePermissions } from '../shell/session';
import { useView } from '../lib/view';

const TYPES = ['leaf', 'ca'];
/** Days within which a certificate ends; `past`: it has ended. */
const WITHIN = ['past', '7', '30', '90', '365'];

/** Every certificate that is known, once each, wherever it is. */
export function CertificatesPage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const navigate = useNavigate();
  const within = WITHIN.find((name) => name === view.within);
  const type = TYPES.find((name) => name === view.type);
  // By the day: a range that moves with each second would be a new list each time.
  const range = useMemo(() => rangeOf(within), [within]);
  const filter = { search: view.q, is_ca: type === undefined ? undefined : type === 'ca', ...range };
  const list = useList<CertificateRow>(certificatesQuery(filter));
  const filtered = view.q !== undefined || within !== undefined || type !== undefined;
  const columns = useCertificateColumns();
  const { operate } = usePermissions();
  const ids = useMemo(() => (list.rows ?? []).map(({ id }) => id), [list.rows]);
  const selection = useSelection(ids, [view.q, within, type], null);
  return (
    <div className="page">
      <PageHeader
        title={t('certificates.title')}
        sub={<span>{t('certificates.sub')}</span>}
        actions={<CsvButton href={csvHref('/api/v1/certificates.csv', { query: filter })} />}
      />
      <div className="card">
        {operate && (selection.all || selection.count > 0) ? (
          <CertificateBulk
            selection={selection}
            more={list.more.has}
            // The list has leaves, too, and what no store holds: a plan knows no such filter.
            filter={() => null}
          />
        ) : (
          <div className="filters" role="search">
            <SearchField
              label={t('f.search_known')}
              value={view.q ?? ''}
              onChange={(q) => change({ q: q || undefined }, { replace: true })}
            />
            <ChoiceFilter
              label={t('certificates.ends')}
              options={WITHIN.map((value) => ({
                value,
                label:
                  value === 'past' ? t('status.expired') : t('certificates.within', { count: Number(value) }),
              }))}
              value={within}
              onChange={(next) => change({ within: next })}
            />
            <ChoiceFilter
              label={t('col.type')}
              options={TYPES.map((value) => ({ value, label: t(`certificates.${value}`) }))}
              value={type}
              onChange={(next) => change({ type: next })}
            />
          </div>
        )}
        <DataTable
          selection={operate ? selection : undefined}
          nameOf={(row) => row.common_name || displayName(row.subject)}
          label={t('certificates.title')}
          columns={columns}
          rows={list.rows}
          rowId={(row) => row.id}
          loading={list.loading}
          error={list.error}
          retry={list.retry}
          stale={list.stale}
          more={list.more}
          onOpen={(row) =>
            void navigate({ to: '/certificates/$certificateId', params: { certificateId: row.id } })
          }
          empty={
            filtered ? (
              <NoMatch onClear={() => change({ q: undefined, within: undefined, type: undefined })} />
            ) : (
              <EmptyState icon={IconCertificate} title={t('identity.none')}>
                {t('identity.none_text')}
              </EmptyState>
            )
          }
        />
      </div>
    </div>
  );
}

function rangeOf(within: string | undefined): { not_after_from?: string; not_after_until?: string } {
  if (within === undefined) return {};
  const now = Date.now();
  if (within === 'past') return { not_after_until: new Date(now).toISOString() };
  const today = dayOf(now);
  return {
    not_after_from: new Date(now).toISOString(),
    not_after_until: startOfDay(addDays(today, Number(within) + 1)),
  };
}

function useCertificateColumns(): Column<CertificateRow>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'status',
        header: t('col.status'),
        className: 'col-status',
        cell: (row) => <LevelBadge level={row.status} />,
      },
      {
        id: 'name',
        header: t('col.certificate'),
        cell: (row) => (
          <span className="cell-main">
            <Link className="row-link" to="/certificates/$certificateId" params={{ certificateId: row.id }}>
              {row.common_name || displayName(row.subject)}
            </Link>
            <code className="cell-second serial">{colonHex(row.serial_hex)}</code>
          </span>
        ),
      },
      {
        id: 'issuer',
        header: t('col.issuer'),
        className: 'col-wide',
        cell: (row) =>
          row.self_signed ? <em className="dim">{t('d.self_signed')}</em> : displayName(row.issuer),
      },
      { id: 'type', header: t('col.type'), cell: (row) => row.is_ca && <Tag>{t('certificates.ca')}</Tag> },
      { id: 'key', header: t('d.key'), className: 'col-tight col-wide', cell: (row) => keyText(row.key) },
      {
        id: 'expires',
        header: t('col.expires'),
        className: 'col-tight',
        cell: (row) => (
          <span className="cell-main">
            <Time value={row.not_after} show="end" className={`strong text-${row.status}`} />
            <Time value={row.not_after} show="date" className="cell-second" />
          </span>
        ),
      },
    ],
    [t],
  );
}
