import {
  IconAlertTriangleFilled,
  IconBan,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleXFilled,
  IconCloudOff,
  IconHelpCircle,
  IconLoader2,
  IconLock,
  IconPlayerPlayFilled,
  IconX,
  type Icon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { CoverageState, IdentityState, RootChangePhaseView, RootChangeState } from '../../api/types';
import { Badge, type Tone } from '../../components/Badge';

interface Look {
  tone: Tone;
  icon: Icon;
}

const CHANGE_LOOKS: Record<RootChangeState, Look> = {
  open: { tone: 'running', icon: IconPlayerPlayFilled },
  completed: { tone: 'valid', icon: IconCircleCheckFilled },
  cancelled: { tone: 'muted', icon: IconX },
};

/** Where a root change stands as a whole. */
export function RootChangeBadge({ state }: { state: RootChangeState }) {
  const { t } = useTranslation();
  return <Badge {...CHANGE_LOOKS[state]}>{t(`root_state.${state}`)}</Badge>;
}

const PHASE_LOOKS: Record<RootChangePhaseView['state'], Look> = {
  open: { tone: 'notice', icon: IconPlayerPlayFilled },
  blocked: { tone: 'warning', icon: IconLock },
  done: { tone: 'valid', icon: IconCircleCheckFilled },
};

/** Where a phase stands. */
export function PhaseBadge({ state }: { state: RootChangePhaseView['state'] }) {
  const { t } = useTranslation();
  return <Badge {...PHASE_LOOKS[state]}>{t(`phase_state.${state}`)}</Badge>;
}

const COVERAGE_LOOKS: Record<CoverageState, Look> = {
  covered: { tone: 'valid', icon: IconCircleCheckFilled },
  under_way: { tone: 'running', icon: IconLoader2 },
  refused: { tone: 'warning', icon: IconBan },
  failed: { tone: 'expired', icon: IconCircleXFilled },
  unreachable: { tone: 'expired', icon: IconCloudOff },
  never_read: { tone: 'muted', icon: IconHelpCircle },
  missing: { tone: 'muted', icon: IconCircleDashed },
};

/** Whether a trust store has the new certificate. */
export function CoverageBadge({ state }: { state: CoverageState }) {
  const { t } = useTranslation();
  return <Badge {...COVERAGE_LOOKS[state]}>{t(`cover.${state}`)}</Badge>;
}

const IDENTITY_LOOKS: Record<IdentityState, Look> = {
  old: { tone: 'warning', icon: IconAlertTriangleFilled },
  csr_pending: { tone: 'notice', icon: IconCircleDashed },
  new: { tone: 'valid', icon: IconCircleCheckFilled },
};

/** To which of the two certificates an identity certificate chains. */
export function IdentityStateBadge({ state }: { state: IdentityState }) {
  const { t } = useTranslation();
  return <Badge {...IDENTITY_LOOKS[state]}>{t(`identity_state.${state}`)}</Badge>;
}
