/** Two edits of one thing at the same time: what each changed, and both together. */

type Fields = Record<string, unknown>;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A field in which what is stored now and what was typed in are not the same. */
export interface Conflict {
  field: string;
  theirs: unknown;
  mine: unknown;
}

/** What is stored now, with the fields that were changed here put on top of it. */
export function mergeFields<T extends Fields>(base: T, mine: T, theirs: T): T {
  const names = new Set([...Object.keys(theirs), ...Object.keys(mine)]);
  const merged: Fields = {};
  for (const name of names) {
    const value = same(mine[name], base[name]) ? theirs[name] : mine[name];
    if (value !== undefined) merged[name] = value;
  }
  return merged as T;
}

/** Where storing what was typed in would change what is stored now. */
export function conflictsOf<T extends Fields>(base: T, mine: T, theirs: T): Conflict[] {
  const merged = mergeFields(base, mine, theirs);
  const names = [...new Set([...Object.keys(theirs), ...Object.keys(merged)])];
  return names
    .filter((field) => !same(merged[field], theirs[field]))
    .map((field) => ({ field, theirs: theirs[field], mine: merged[field] }));
}

/** Whether two things have the same fields, whatever their order. */
export function sameFields(a: Fields, b: Fields): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => same(a[name], b[name]));
}
