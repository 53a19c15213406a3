import {
  IconAlertCircleFilled,
  IconAlertTriangleFilled,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleXFilled,
  IconClockFilled,
  IconCloudOff,
  IconEyeOff,
  IconHelpCircle,
  IconInfoCircleFilled,
  IconKeyOff,
  IconLoader2,
  IconPlayerPauseFilled,
  IconRotateClockwise2,
  IconX,
  type Icon,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Level } from '../lib/certificate';

export type Tone = Level | 'muted' | 'running';

const LEVEL_ICONS: Record<Level, Icon> = {
  expired: IconAlertCircleFilled,
  critical: IconAlertTriangleFilled,
  warning: IconClockFilled,
  notice: IconInfoCircleFilled,
  valid: IconCircleCheckFilled,
};

interface BadgeProps {
  tone: Tone;
  icon?: Icon;
  spin?: boolean;
  children: ReactNode;
}

/** Status as icon, word and colour: never by colour alone. */
export function Badge({ tone, icon: Mark, spin = false, children }: BadgeProps) {
  return (
    <span className={`badge tone-${tone}`}>
      {Mark !== undefined && <Mark size={14} aria-hidden className={spin ? 'spin' : undefined} />}
      <span>{children}</span>
    </span>
  );
}

export function LevelBadge({ level }: { level: Level }) {
  const { t } = useTranslation();
  return (
    <Badge tone={level} icon={LEVEL_ICONS[level]}>
      {t(`level.${level}`)}
    </Badge>
  );
}

interface Look {
  tone: Tone;
  icon: Icon;
  spin?: boolean;
}

const UNKNOWN_LOOK: Look = { tone: 'muted', icon: IconHelpCircle };

const NODE_LOOKS: Record<string, Look> = {
  ok: { tone: 'valid', icon: IconCircleCheckFilled },
  attention: { tone: 'warning', icon: IconAlertTriangleFilled },
  empty: { tone: 'muted', icon: IconCircleDashed },
  waiting: { tone: 'muted', icon: IconCircleDashed },
  unreachable: { tone: 'expired', icon: IconCloudOff },
  credentials_missing: { tone: 'warning', icon: IconKeyOff },
  agent_offline: { tone: 'warning', icon: IconCloudOff },
  disabled: { tone: 'muted', icon: IconCircleDashed },
  no_agent: { tone: 'warning', icon: IconAlertTriangleFilled },
  online: { tone: 'valid', icon: IconCircleCheckFilled },
  offline: { tone: 'expired', icon: IconCloudOff },
  retired: { tone: 'muted', icon: IconX },
  banned: { tone: 'expired', icon: IconCircleXFilled },
};

/** State of a cluster, node or agent. */
export function StateBadge({ state }: { state: string }) {
  const { t } = useTranslation();
  const look = NODE_LOOKS[state] ?? UNKNOWN_LOOK;
  return (
    <Badge tone={look.tone} icon={look.icon}>
      {t(`state.${state}`, { defaultValue: state })}
    </Badge>
  );
}

const TASK_LOOKS: Record<string, Look> = {
  waiting: { tone: 'muted', icon: IconPlayerPauseFilled },
  pending: { tone: 'muted', icon: IconCircleDashed },
  running: { tone: 'running', icon: IconLoader2, spin: true },
  succeeded: { tone: 'valid', icon: IconCircleCheckFilled },
  failed: { tone: 'expired', icon: IconCircleXFilled },
  partly_failed: { tone: 'critical', icon: IconAlertTriangleFilled },
  cancelled: { tone: 'muted', icon: IconX },
  cancelling: { tone: 'running', icon: IconLoader2, spin: true },
  expired: { tone: 'muted', icon: IconClockFilled },
  superseded: { tone: 'muted', icon: IconX },
};

/** State of a job or task. */
export function TaskBadge({ state }: { state: string }) {
  const { t } = useTranslation();
  const look = TASK_LOOKS[state] ?? UNKNOWN_LOOK;
  return (
    <Badge tone={look.tone} icon={look.icon} spin={look.spin}>
      {t(`task.${state}`, { defaultValue: state })}
    </Badge>
  );
}

const SERVED_LOOKS: Record<string, Look> = {
  served: { tone: 'valid', icon: IconCircleCheckFilled },
  restart_pending: { tone: 'warning', icon: IconRotateClockwise2 },
  not_observable: { tone: 'muted', icon: IconEyeOff },
  unknown: { tone: 'muted', icon: IconHelpCircle },
};

/** Whether the installed certificate is the one that clients are shown. */
export function ServedBadge({ state }: { state: string }) {
  const { t } = useTranslation();
  const look = SERVED_LOOKS[state] ?? UNKNOWN_LOOK;
  return (
    <Badge tone={look.tone} icon={look.icon}>
      {t(`served.${state}`, { defaultValue: state })}
    </Badge>
  );
}

/** A small neutral word: a purpose, a store, a service. */
export function Tag({ children }: { children: ReactNode }) {
  return <span className="tag">{children}</span>;
}
