import {
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleXFilled,
  IconClockFilled,
  IconLoader2,
  IconX,
  type Icon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { MessageState } from '../../api/types';
import { Badge, type Tone } from '../../components/Badge';

const LOOKS: Record<MessageState, { tone: Tone; icon: Icon; spin?: boolean }> = {
  due: { tone: 'notice', icon: IconCircleDashed },
  sending: { tone: 'running', icon: IconLoader2, spin: true },
  deferred: { tone: 'warning', icon: IconClockFilled },
  accepted: { tone: 'valid', icon: IconCircleCheckFilled },
  refused: { tone: 'expired', icon: IconCircleXFilled },
  dead: { tone: 'expired', icon: IconCircleXFilled },
  cancelled: { tone: 'muted', icon: IconX },
};

/** State of a message: it counts as sent on the mail server's 250 only. */
export function MessageBadge({ state }: { state: MessageState }) {
  const { t } = useTranslation();
  const { tone, icon, spin } = LOOKS[state];
  return (
    <Badge tone={tone} icon={icon} spin={spin}>
      {t(`message.${state}`)}
    </Badge>
  );
}
