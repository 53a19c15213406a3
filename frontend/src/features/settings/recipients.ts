/** Most recipients that the server takes. */
export const MOST_RECIPIENTS = 25;

/** Addresses out of typed or pasted text: one a line, or parted by commas, semicolons or spaces; `Ada <ada@example.org>` too. */
export function readAddresses(text: string): string[] {
  const inBrackets = [...text.matchAll(/<([^<>\s]+@[^<>\s]+)>/g)].map((match) => match[1] ?? '');
  if (inBrackets.length > 0) return inBrackets;
  return text.split(/[\s,;]+/).filter((part) => part !== '');
}

/** A list with new addresses at its end; those that are there already, whatever their case, are not added again. */
export function addAddresses(list: string[], added: string[]): string[] {
  const known = new Set(list.map((address) => address.toLowerCase()));
  const fresh = added.filter((address) => {
    const key = address.toLowerCase();
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
  return [...list, ...fresh];
}
