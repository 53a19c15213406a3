import { useTranslation } from 'react-i18next';
import type { Message } from '../../api/types';
import { Tag } from '../../components/Badge';

/** What a message is where it is more than a warning of the default: a notice of trouble, a digest, an escalation, of which rule. */
export function MessageTags({ message }: { message: Message }) {
  const { t } = useTranslation();
  const kind = message.about === 'trouble' ? 'trouble' : message.kind;
  const plain = kind == null || kind === 'warning';
  if (plain && message.rule_name == null) return null;
  return (
    <span className="tags">
      {!plain && <Tag>{t(`message_kind.${kind}`)}</Tag>}
      {message.rule_name != null && <Tag>{t('messages.by_rule', { name: message.rule_name })}</Tag>}
    </span>
  );
}
