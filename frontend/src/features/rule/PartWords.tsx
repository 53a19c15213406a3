import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { valueText } from '../../lib/value-text';
import type { Draft } from './draft';
import { ScopeWords } from './ScopeWords';
import { useRuleWords } from './use-rule-words';

interface PartWordsProps {
  part: string;
  value: unknown;
  nameOfChannel: (id: string) => string;
}

/** A part of a rule in words, for two versions beside each other. */
export function PartWords({ part, value, nameOfChannel }: PartWordsProps): ReactNode {
  const { t } = useTranslation();
  const words = useRuleWords();
  if (typeof value === 'boolean') return t(value ? 'channels.on' : 'channels.off');
  const told = ({ recipients, channels }: Pick<Draft, 'recipients' | 'channels'>) =>
    [...recipients, ...channels.map(nameOfChannel)].join(', ') || '–';
  switch (part) {
    case 'scope':
      return (
        <span className="cell-second">
          <ScopeWords scope={value as Draft['scope']} />
        </span>
      );
    case 'pace':
      return words.pace(value as Draft['pace']);
    case 'digest_weekday':
      return typeof value === 'number' ? words.weekday(value) : valueText(value);
    case 'recipients':
      return told({ recipients: value as string[], channels: [] });
    case 'channels':
      return told({ recipients: [], channels: value as string[] });
    case 'escalation': {
      const escalation = value as Draft['escalation'];
      if (escalation === null) return valueText(value);
      return `${t('escalation.after', { count: escalation.after_days })} ${told(escalation)}`;
    }
    default:
      return valueText(value);
  }
}
