import {
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleMinus,
  IconCircleXFilled,
  IconLoader2,
  IconChevronDown,
  IconChevronRight,
  type Icon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Task, TaskStep } from '../../api/types';
import { Tag, TaskBadge } from '../../components/Badge';
import { Meter } from '../../components/Counts';
import { Coded, Prose } from '../../components/Prose';
import { Lines, LoadError, MoreRows } from '../../components/States';
import { plainText, useServerWords } from '../../lib/server-words';
import { duration } from '../../lib/time';
import type { useList } from '../../lib/use-list';
import { useView } from '../../lib/view';

interface Look {
  icon: Icon;
  className: string;
  spin?: boolean;
}

const OTHER_LOOK: Look = { icon: IconCircleMinus, className: 'task-icon-muted' };

const LOOKS: Record<string, Look> = {
  succeeded: { icon: IconCircleCheckFilled, className: 'task-icon-succeeded' },
  failed: { icon: IconCircleXFilled, className: 'task-icon-failed' },
  running: { icon: IconLoader2, className: 'task-icon-running', spin: true },
  waiting: { icon: IconCircleDashed, className: 'task-icon-muted' },
  pending: { icon: IconCircleDashed, className: 'task-icon-muted' },
};

function StateMark({ state }: { state: string }) {
  const look = LOOKS[state] ?? OTHER_LOOK;
  const Mark = look.icon;
  return (
    <Mark
      size={18}
      aria-hidden
      className={`task-icon ${look.className}${look.spin === true ? ' spin' : ''}`}
    />
  );
}

/** The nodes of a job, by cluster; each opens to its steps. The open one stands in the address. */
export function TaskList({ tasks }: { tasks: ReturnType<typeof useList<Task>> }) {
  const [view, change] = useView();
  if (tasks.rows === undefined) {
    return tasks.error !== null ? <LoadError error={tasks.error} retry={tasks.retry} /> : <Lines count={6} />;
  }
  const clusters = [...new Map(tasks.rows.map((task) => [task.cluster.id, task.cluster])).values()];
  return (
    <div className="card plan-group">
      {clusters.map((cluster) => (
        <section key={cluster.id} aria-label={cluster.name}>
          <h2 className="plan-cluster">{cluster.name}</h2>
          {tasks.rows
            ?.filter((task) => task.cluster.id === cluster.id)
            .map((task) => (
              <TaskRow
                key={task.id}
                task={task}
                open={view.task === task.id || (view.task === undefined && task.state === 'failed')}
                onToggle={(open) => change({ task: open ? task.id : 'none' }, { replace: true })}
              />
            ))}
        </section>
      ))}
      <MoreRows list={tasks} />
    </div>
  );
}

function stepsDone(task: Task): number {
  return task.steps.filter((step) => step.state === 'succeeded' || step.state === 'skipped').length;
}

function toneOf(task: Task): string {
  if (task.state === 'succeeded') return 'valid';
  if (task.state === 'failed') return 'expired';
  return task.state === 'running' ? 'running' : 'muted';
}

/** What the row says of a task in a few words: the error, the note, or the step that runs. */
function useTaskWords(): (task: Task) => string {
  const { t } = useTranslation();
  const words = useServerWords();
  return (task) => {
    if (task.error != null) return words(`task_error.${task.error.code}`) ?? plainText(task.error.message);
    if (task.note != null && task.note !== '') return plainText(task.note);
    const running = task.steps.find((step) => step.state === 'running');
    return running === undefined ? '' : t(`step.${running.step}`, { defaultValue: running.step });
  };
}

interface TaskRowProps {
  task: Task;
  open: boolean;
  onToggle: (open: boolean) => void;
}

function TaskRow({ task, open, onToggle }: TaskRowProps) {
  const { t } = useTranslation();
  const taskWords = useTaskWords();
  const share =
    task.state === 'succeeded' ? 1 : task.steps.length === 0 ? 0 : stepsDone(task) / task.steps.length;
  const body = `task-${task.id}`;
  return (
    <div className="task">
      <button
        type="button"
        className="task-head"
        aria-expanded={open}
        aria-controls={body}
        onClick={() => onToggle(!open)}
      >
        <span className="task-node">
          <StateMark state={task.state} />
          {task.node.name}
        </span>
        <span>{task.purpose != null && <Tag>{task.purpose}</Tag>}</span>
        <span className={task.error == null ? 'task-words dim' : 'task-words text-expired'}>
          {!open && taskWords(task)}
        </span>
        <span>
          <span className="visually-hidden">{t(`task.${task.state}`)}</span>
          <Meter share={share} tone={toneOf(task)} className="meter task-meter" />
        </span>
        {open ? <IconChevronDown size={16} aria-hidden /> : <IconChevronRight size={16} aria-hidden />}
      </button>
      <div id={body} hidden={!open}>
        {open && <TaskBody task={task} />}
      </div>
    </div>
  );
}

function TaskBody({ task }: { task: Task }) {
  const { t } = useTranslation();
  return (
    <div className="task-body">
      <div className="tags">
        <TaskBadge state={task.state} />
        {task.outcome != null && task.outcome !== 'changed' && <Tag>{t(`outcome.${task.outcome}`)}</Tag>}
      </div>
      {task.error != null && (
        <div className="note note-expired">
          <div>
            <strong>
              <Coded words={`task_error.${task.error.code}`} message={task.error.message} />
            </strong>
            <p className="mono">{task.error.code}</p>
          </div>
        </div>
      )}
      {task.note != null && task.note !== '' && (
        <p lang="en">
          <Prose text={task.note} />
        </p>
      )}
      <ol className="task-steps">
        {task.steps.map((step, index) => (
          <StepLine key={`${step.step}${index}`} step={step} />
        ))}
      </ol>
    </div>
  );
}

function StepLine({ step }: { step: TaskStep }) {
  const { t, i18n } = useTranslation();
  return (
    <li>
      <StateMark state={step.state} />
      <span>
        {t(`step.${step.step}`, { defaultValue: step.step })}
        <span className="visually-hidden">: {t(`task.${step.state}`, { defaultValue: step.state })}</span>
      </span>
      <span className="dim" lang="en">
        {step.message != null && <Prose text={step.message} />}
      </span>
      <span className="dim figures">
        {step.started_at != null &&
          step.finished_at != null &&
          duration(step.started_at, step.finished_at, i18n.language)}
      </span>
    </li>
  );
}
