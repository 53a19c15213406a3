/** How urgent a certificate is, by the time that is left. */
export type Level = 'expired' | 'critical' | 'warning' | 'notice' | 'valid';

const DAY_MS = 24 * 60 * 60 * 1000;
const CRITICAL_DAYS = 7;
const WARNING_DAYS = 30;

/** Level of a certificate that ends at `notAfter`; `startDays` is when the organisation starts to warn. */
export function levelOf(notAfter: string, now: number, startDays: number): Level {
  const left = Date.parse(notAfter) - now;
  if (left <= 0) return 'expired';
  if (left <= CRITICAL_DAYS * DAY_MS) return 'critical';
  if (left <= WARNING_DAYS * DAY_MS) return 'warning';
  if (left <= startDays * DAY_MS) return 'notice';
  return 'valid';
}

/** Share of the validity that has passed, 0 to 1. */
export function elapsedShare(notBefore: string, notAfter: string, now: number): number {
  const start = Date.parse(notBefore);
  const whole = Date.parse(notAfter) - start;
  if (whole <= 0) return 1;
  return Math.min(1, Math.max(0, (now - start) / whole));
}

/** `AB12` as `AB:12`, for reading aloud and comparing. */
export function colonHex(hex: string): string {
  return (hex.length % 2 === 1 ? `0${hex}` : hex).toUpperCase().replace(/(..)(?=.)/g, '$1:');
}

/** Value of one attribute of an RFC 4514 name: `CN` of `CN=tomcat\, old,O=Example` is `tomcat, old`. */
export function nameAttribute(name: string, attribute: string): string | null {
  for (const part of name.split(/(?<!\\)[,+]/)) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim().toUpperCase() === attribute) {
      return part
        .slice(at + 1)
        .replace(/\\([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
        .replace(/\\(.)/g, '$1');
    }
  }
  return null;
}

/** What people call a name: its common name, else its organisation, else all of it. */
export function displayName(name: string): string {
  return nameAttribute(name, 'CN') ?? nameAttribute(name, 'O') ?? name;
}
