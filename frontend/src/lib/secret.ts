/** 32 random bytes as 64 hex digits: a secret that nobody guesses, in letters that every receiver takes. */
export function makeSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
