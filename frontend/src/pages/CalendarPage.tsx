import '../features/calendar/calendar.css';
import { useQuery } from '@tanstack/react-query';
import { IconCalendarCheck } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { expiriesQuery } from '../api/overview-queries';
import { endsQuery } from '../api/queries';
import type { Installation } from '../api/types';
import { CsvButton } from '../components/CsvButton';
import { DataTable } from '../components/DataTable';
import { ChoiceFilter } from '../components/Filters';
import { PageHeader } from '../components/PageHeader';
import { useRowWalk } from '../components/Panel';
import { Split } from '../components/Split';
import { EmptyState, LoadError } from '../components/States';
import { useNow } from '../components/Time';
import { AlertPanel } from '../features/alert/AlertPanel';
import { useAlertColumns } from '../features/alert/columns';
import { KINDS } from '../features/alert/use-alerts';
import { FeedsButton, FeedsDialog } from '../features/calendar/Feeds';
import { MonthGrid } from '../features/calendar/MonthGrid';
import { MonthStrip } from '../features/calendar/MonthStrip';
import { addMonths, dayOf, rangeWords, readDay, readMonth, startOfDay } from '../lib/days';
import { useList } from '../lib/use-list';
import { useView } from '../lib/view';

const MONTHS = 12;

/** What ends when: a year by months, a month by days, and the certificates of what is chosen. */
export function CalendarPage() {
  const { t, i18n } = useTranslation();
  const [view, change] = useView();
  const today = dayOf(useNow());
  const chosen = readRange(view.from, view.until);
  const month = readMonth(view.month) ?? (chosen?.from ?? today).slice(0, 7);
  const range = chosen ?? { from: `${month}-01`, until: `${addMonths(month, 1)}-01` };
  const kind = KINDS.find((name) => name === view.kind);
  const first = month < today.slice(0, 7) ? month : today.slice(0, 7);
  const year = useQuery(expiriesQuery(`${first}-01`, `${addMonths(first, MONTHS)}-01`));
  const days = useQuery(expiriesQuery(`${addMonths(month, -1)}-01`, `${addMonths(month, 2)}-01`));
  const current = view.cert ?? null;
  const filter = {
    kind,
    not_after_from: startOfDay(range.from),
    not_after_until: startOfDay(range.until),
  };
  const list = useList<Installation>(endsQuery(filter));
  const open = (id: string) => change({ cert: id }, { replace: current !== null });
  const columns = useAlertColumns(open, (id) => change({ cert: id, do: 'csr' }));
  const ids = useMemo(() => (list.rows ?? []).map((row) => row.id), [list.rows]);
  useRowWalk(ids, current, open);
  const failed = year.error ?? days.error;
  return (
    <Split
      panel={
        current !== null && (
          <AlertPanel
            key={current}
            id={current}
            row={list.rows?.find((row) => row.id === current)}
            onClose={() => change({ cert: undefined, do: undefined })}
          />
        )
      }
    >
      <PageHeader
        title={t('calendar.title')}
        sub={<span>{t('calendar.sub')}</span>}
        actions={<FeedsButton />}
      />
      <FeedsDialog />
      {failed !== null && (
        <LoadError error={failed} retry={() => void Promise.all([year.refetch(), days.refetch()])} />
      )}
      <div className="calendar-top">
        <MonthStrip
          first={first}
          count={MONTHS}
          days={year.data?.days}
          kind={kind}
          month={month}
          onMonth={(next) => change({ month: next, from: undefined, until: undefined })}
        />
        <MonthGrid
          month={month}
          today={today}
          days={days.data?.days}
          kind={kind}
          range={chosen}
          onMonth={(next) => change({ month: next, from: undefined, until: undefined })}
          onRange={(next) => change({ month, ...next })}
        />
      </div>
      <div className="card">
        <div className="filters">
          <h2 className="calendar-range">{rangeWords(range.from, range.until, i18n.language)}</h2>
          <div className="filters-end">
            <ChoiceFilter
              label={t('col.type')}
              options={KINDS.map((name) => ({ value: name, label: t(`kind.${name}`) }))}
              value={kind}
              onChange={(next) => change({ kind: next })}
            />
            <CsvButton href={csvHref('/api/v1/installations.csv', { query: filter })} />
          </div>
        </div>
        <DataTable
          label={t('calendar.title')}
          columns={columns}
          rows={list.rows}
          rowId={(row) => row.id}
          loading={list.loading}
          error={list.error}
          retry={list.retry}
          stale={list.stale}
          more={list.more}
          selected={current}
          onOpen={(row) => open(row.id)}
          empty={
            <EmptyState icon={IconCalendarCheck} tone="valid" title={t('calendar.none')}>
              {t('calendar.none_text')}
            </EmptyState>
          }
        />
      </div>
    </Split>
  );
}

/** A range out of an address: both ends, the first before the second. */
function readRange(from: string | undefined, until: string | undefined) {
  const [first, end] = [readDay(from), readDay(until)];
  return first !== undefined && end !== undefined && first < end ? { from: first, until: end } : undefined;
}
