import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { AuditEntry } from '../../api/types';
import { Tag } from '../../components/Badge';
import { CopyIcon } from '../../components/Copy';
import { Fact } from '../../components/Facts';
import { Panel } from '../../components/Panel';
import { Time } from '../../components/Time';
import { valueText } from '../../lib/value-text';
import { useView } from '../../lib/view';
import { useDecision } from './use-decision';
import { changesOf } from './difference';

interface AuditPanelProps {
  entry: AuditEntry;
  onClose: () => void;
}

/** One decision: who, what, from where, and what it changed. */
export function AuditPanel({ entry, onClose }: AuditPanelProps) {
  const { t } = useTranslation();
  const [, change] = useView();
  const decision = useDecision();
  const changes = changesOf(entry.before, entry.after);
  return (
    <Panel
      mark={<Tag>{t(`kind_of.${entry.object_kind}`, { defaultValue: entry.object_kind })}</Tag>}
      title={entry.object_name || decision(entry.action)}
      sub={
        <>
          <span>{decision(entry.action)}</span>
          <span className="mono">{entry.action}</span>
          <span>
            <Time value={entry.at} show="dateTime" />
          </span>
        </>
      }
      onClose={onClose}
      rowId={entry.id}
    >
      <section className="panel-section">
        <h3>{t('audit.changes')}</h3>
        {changes.length === 0 ? (
          <p className="dim">{t('audit.no_changes')}</p>
        ) : (
          <table className="differences">
            <thead>
              <tr>
                <th scope="col">{t('compliance.field')}</th>
                <th scope="col">{t('audit.before')}</th>
                <th scope="col">{t('audit.after')}</th>
              </tr>
            </thead>
            <tbody>
              {changes.map(({ field, before, after }) => (
                <tr key={field}>
                  <th scope="row">
                    <code>{field}</code>
                  </th>
                  <td>
                    <del>{valueText(before)}</del>
                  </td>
                  <td>
                    <ins>{valueText(after)}</ins>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section className="panel-section">
        <dl className="details">
          <Fact name={t('audit.who')}>
            {entry.actor.name} ({t(`actor.${entry.actor.kind}`, { defaultValue: entry.actor.kind })})
          </Fact>
          {entry.address != null && (
            <Fact name={t('audit.address')}>
              <code>{entry.address}</code>
            </Fact>
          )}
          {entry.request_id != null && (
            <Fact name={t('problem.request_id')}>
              <span className="detail-copy">
                <code>{entry.request_id}</code>
                <CopyIcon text={entry.request_id} label={t('act.copy')} />
              </span>
            </Fact>
          )}
        </dl>
      </section>
      <section className="panel-section audit-more">
        {entry.object_id != null && (
          <Button
            variant="default"
            size="xs"
            onClick={() =>
              change({ object: entry.object_id ?? undefined, kind: entry.object_kind, entry: undefined })
            }
          >
            {t('audit.all_of_object')}
          </Button>
        )}
        {entry.actor.id != null && (
          <Button
            variant="default"
            size="xs"
            onClick={() => change({ actor: entry.actor.id ?? undefined, entry: undefined })}
          >
            {t('audit.all_of_actor')}
          </Button>
        )}
        <Button
          variant="default"
          size="xs"
          onClick={() => change({ action: entry.action, entry: undefined })}
        >
          {t('audit.all_of_action')}
        </Button>
      </section>
    </Panel>
  );
}
