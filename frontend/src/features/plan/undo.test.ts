import { describe, expect, it } from 'vitest';
import type { PlanTarget } from '../../api/types';
import { undoOf } from './undo';

function target(...steps: string[]): PlanTarget {
  return { steps: steps.map((step) => ({ step, rollback: 'none' })) } as PlanTarget;
}

describe('undoOf', () => {
  it('is what the server says where a step changes something', () => {
    expect(undoOf({ targets: [target('install_identity', 'verify')], undo: 'none' })).toBe('none');
  });

  it('is nothing where all steps only read', () => {
    expect(undoOf({ targets: [target('inventory')], undo: 'automatic' })).toBe('nothing');
  });
});
