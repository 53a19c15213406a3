import { IconAlertCircleFilled, IconCircleCheckFilled, IconClockFilled } from '@tabler/icons-react';
import { Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Counts as CountsOf } from '../api/types';

const PARTS = [
  { key: 'expired', icon: IconAlertCircleFilled, text: 'text-expired' },
  { key: 'expiring', icon: IconClockFilled, text: 'text-warning' },
  { key: 'valid', icon: IconCircleCheckFilled, text: 'text-valid' },
] as const;

/** Expired, expiring and valid certificates in one cell: three figures with marks, named for those who listen. */
export function CountsCell({ counts }: { counts: CountsOf }) {
  const { t } = useTranslation();
  if (counts.total === 0) return <span className="dim">–</span>;
  return (
    <span className="counts">
      {PARTS.map(({ key, icon: Mark, text }) => (
        <Tooltip key={key} label={t(`counts.${key}`, { count: counts[key] })}>
          <span className={counts[key] === 0 ? 'count is-zero' : `count ${text}`}>
            <Mark size={15} aria-hidden />
            <span aria-hidden>{counts[key]}</span>
            <span className="visually-hidden">{t(`counts.${key}`, { count: counts[key] })}</span>
          </span>
        </Tooltip>
      ))}
    </span>
  );
}

interface BarPart {
  value: number;
  tone: string;
}

/** One bar in parts, by their share of the whole. Only a picture: the figures stand beside it. */
export function Bar({ parts, className }: { parts: BarPart[]; className: string }) {
  const whole = parts.reduce((sum, part) => sum + part.value, 0);
  let at = 0;
  return (
    <svg className={className} viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden>
      <rect className="meter-track" width="100" height="1" />
      {parts.map((part) => {
        const width = whole === 0 ? 0 : (part.value / whole) * 100;
        const x = at;
        at += width;
        return <rect key={part.tone} className={`meter-fill-${part.tone}`} x={x} width={width} height="1" />;
      })}
    </svg>
  );
}

/** A bar that fills from the left. `share` is 0 to 1. */
export function Meter({
  share,
  tone,
  className = 'meter',
}: {
  share: number;
  tone: string;
  className?: string;
}) {
  return (
    <svg className={className} viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden>
      <rect className="meter-track" width="100" height="1" />
      <rect className={`meter-fill-${tone}`} width={share * 100} height="1" />
    </svg>
  );
}
