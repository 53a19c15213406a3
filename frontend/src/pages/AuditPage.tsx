import '../features/audit/audit.css';
import { TextInput } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { auditQuery } from '../api/people-queries';
import type { AuditEntry } from '../api/types';
import { Tag } from '../components/Badge';
import { CsvButton } from '../components/CsvButton';
import { DataTable, type Column } from '../components/DataTable';
import { ChoiceFilter } from '../components/Filters';
import { PageHeader } from '../components/PageHeader';
import { useRowWalk } from '../components/Panel';
import { Split } from '../components/Split';
import { EmptyState, NoMatch } from '../components/States';
import { Time } from '../components/Time';
import { AuditPanel } from '../features/audit/AuditPanel';
import { KINDS } from '../features/audit/kinds';
import { useDecision } from '../features/audit/use-decision';
import { addDays, localStartOfDay, readDay } from '../lib/days';
import { useList, useRow } from '../lib/use-list';
import { useView } from '../lib/view';

/** Who did what, when, from where; with what it was before and after. */
export function AuditPage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const decision = useDecision();
  const [from, until] = [readDay(view.from), readDay(view.until)];
  const filter = {
    action: view.action,
    object_kind: view.kind,
    object_id: view.object,
    actor_id: view.actor,
    // Days as the reader has them, the last one among them.
    from: from === undefined ? undefined : localStartOfDay(from),
    to: until === undefined ? undefined : localStartOfDay(addDays(until, 1)),
  };
  const filtered = Object.values(filter).some((part) => part !== undefined);
  const list = useList<AuditEntry>(auditQuery(filter));
  const current = view.entry ?? null;
  const open = (id: string) => change({ entry: id }, { replace: current !== null });
  const columns = useAuditColumns(open);
  const ids = useMemo(() => (list.rows ?? []).map((row) => row.id), [list.rows]);
  useRowWalk(ids, current, open);
  const row = useRow(list, current, ({ id }) => id);
  const clear = () =>
    change({
      action: undefined,
      kind: undefined,
      object: undefined,
      actor: undefined,
      from: undefined,
      until: undefined,
    });
  return (
    <Split
      panel={
        row !== undefined && (
          <AuditPanel key={row.id} entry={row} onClose={() => change({ entry: undefined })} />
        )
      }
    >
      <PageHeader
        title={t('audit.title')}
        sub={<span>{t('audit.sub')}</span>}
        actions={<CsvButton href={csvHref('/api/v1/audit.csv', { query: filter })} />}
      />
      <div className="card">
        <div className="filters" role="search">
          <ChoiceFilter
            label={t('audit.kind')}
            options={KINDS.map((kind) => ({ value: kind, label: t(`kind_of.${kind}`) }))}
            value={view.kind}
            onChange={(kind) => change({ kind, object: undefined })}
          />
          <DayFilter
            label={t('audit.from')}
            value={view.from}
            onChange={(day) => change({ from: day }, { replace: true })}
          />
          <DayFilter
            label={t('audit.until')}
            value={view.until}
            onChange={(day) => change({ until: day }, { replace: true })}
          />
          {view.actor !== undefined && (
            <Chip onClear={() => change({ actor: undefined })}>{t('audit.one_actor')}</Chip>
          )}
          {view.object !== undefined && (
            <Chip onClear={() => change({ object: undefined })}>{t('audit.one_object')}</Chip>
          )}
          {view.action !== undefined && (
            <Chip onClear={() => change({ action: undefined })}>{decision(view.action)}</Chip>
          )}
        </div>
        <DataTable
          label={t('audit.title')}
          columns={columns}
          rows={list.rows}
          rowId={(entry) => entry.id}
          loading={list.loading}
          error={list.error}
          retry={list.retry}
          stale={list.stale}
          more={list.more}
          selected={current}
          onOpen={(entry) => open(entry.id)}
          empty={
            filtered ? <NoMatch onClear={clear} /> : <EmptyState icon={IconHistory} title={t('audit.none')} />
          }
        />
      </div>
    </Split>
  );
}

interface DayFilterProps {
  label: string;
  value: string | undefined;
  onChange: (day: string | undefined) => void;
}

function DayFilter({ label, value, onChange }: DayFilterProps) {
  return (
    <TextInput
      type="date"
      className="day-filter"
      radius="xl"
      aria-label={label}
      title={label}
      leftSection={<span className="day-filter-label">{label}</span>}
      leftSectionWidth={64}
      value={value ?? ''}
      onChange={(event) => onChange(event.currentTarget.value || undefined)}
    />
  );
}

function Chip({ children, onClear }: { children: string; onClear: () => void }) {
  const { t } = useTranslation();
  return (
    <button type="button" className="tag chip" onClick={onClear} title={t('act.clear')}>
      {children}
      <span aria-hidden>×</span>
    </button>
  );
}

function useAuditColumns(open: (id: string) => void): Column<AuditEntry>[] {
  const { t } = useTranslation();
  const decision = useDecision();
  return useMemo(
    () => [
      {
        id: 'at',
        header: t('audit.when'),
        className: 'col-tight',
        cell: (entry) => (
          <span className="cell-main">
            <Time value={entry.at} />
            <Time value={entry.at} show="dateTime" className="cell-second" />
          </span>
        ),
      },
      {
        id: 'who',
        header: t('audit.who'),
        cell: (entry) => (
          <span className="cell-main">
            <span>{entry.actor.name}</span>
            <span className="cell-second">
              <span>{t(`actor.${entry.actor.kind}`, { defaultValue: entry.actor.kind })}</span>
              {entry.address != null && <span className="mono">{entry.address}</span>}
            </span>
          </span>
        ),
      },
      {
        id: 'what',
        header: t('audit.what'),
        cell: (entry) => (
          <button type="button" className="row-link" title={entry.action} onClick={() => open(entry.id)}>
            {decision(entry.action)}
          </button>
        ),
      },
      {
        id: 'object',
        header: t('audit.object'),
        cell: (entry) => (
          <span className="audit-object">
            <Tag>{t(`kind_of.${entry.object_kind}`, { defaultValue: entry.object_kind })}</Tag>
            <span>{entry.object_name}</span>
          </span>
        ),
      },
    ],
    [t, open, decision],
  );
}
