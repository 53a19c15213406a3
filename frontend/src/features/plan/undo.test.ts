import { describe, expect, it } from 'vitest';
import type { PlanTarget, Rollback } from '../../api/types';
import { undoOf } from './undo';

function target(steps: [step: string, rollback: Rollback][]): PlanTarget {
  return { steps: steps.map(([step, rollback]) => ({ step, rollback })) } as PlanTarget;
}

describe('undoOf', () => {
  it('is as bad as the worst step that changes something', () => {
    const plan = {
      targets: [target([['install_trust', 'restore_previous']]), target([['install_identity', 'none']])],
    };
    expect(undoOf(plan)).toBe('none');
  });

  it('does not count steps that only read', () => {
    expect(undoOf({ targets: [target([['inventory', 'none']])] })).toBe('nothing');
    expect(
      undoOf({
        targets: [
          target([
            ['activate', 'automatic'],
            ['verify', 'none'],
          ]),
        ],
      }),
    ).toBe('automatic');
  });
});
