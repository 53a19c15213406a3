export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
}

/** The fields that differ between what a thing was and what it became; of a new or gone thing all of them. */
export function changesOf(before: unknown, after: unknown): FieldChange[] {
  const [was, is] = [flat(before), flat(after)];
  const fields = [...new Set([...was.keys(), ...is.keys()])];
  return fields
    .map((field) => ({ field, before: was.get(field), after: is.get(field) }))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after));
}

/** Nested members by their path: `counts.failed`. Lists stay whole: they are compared as such. */
function flat(value: unknown, path = '', into = new Map<string, unknown>()): Map<string, unknown> {
  if (value === null || value === undefined) return into;
  if (typeof value !== 'object' || Array.isArray(value)) {
    into.set(path, value);
    return into;
  }
  for (const [name, member] of Object.entries(value)) {
    const inner = path === '' ? name : `${path}.${name}`;
    if (member !== null && typeof member === 'object' && !Array.isArray(member)) flat(member, inner, into);
    else into.set(inner, member);
  }
  return into;
}
