/** What a CSR may ask for, by product and purpose. The server checks again. */

export interface KeyChoice {
  value: string;
  type: 'RSA' | 'EC';
  bits: number;
  label: string;
  hashes: string[];
}

const ALL_HASHES = ['SHA256', 'SHA384', 'SHA512'];

export const KEY_CHOICES: KeyChoice[] = [
  { value: 'RSA-2048', type: 'RSA', bits: 2048, label: 'RSA 2048', hashes: ALL_HASHES },
  { value: 'RSA-3072', type: 'RSA', bits: 3072, label: 'RSA 3072', hashes: ALL_HASHES },
  { value: 'RSA-4096', type: 'RSA', bits: 4096, label: 'RSA 4096', hashes: ALL_HASHES },
  { value: 'EC-256', type: 'EC', bits: 256, label: 'EC P-256', hashes: ALL_HASHES },
  // A hash must not be weaker than the key.
  { value: 'EC-384', type: 'EC', bits: 384, label: 'EC P-384', hashes: ['SHA384', 'SHA512'] },
  { value: 'EC-521', type: 'EC', bits: 521, label: 'EC P-521', hashes: ['SHA512'] },
];

/** Keys for a purpose: UC nodes tie the kind of key to the purpose, other servers take any. */
export function keyChoices(product: string, purpose: string): KeyChoice[] {
  if (product === 'server') return KEY_CHOICES;
  const type = purpose.endsWith('-ECDSA') ? 'EC' : 'RSA';
  return KEY_CHOICES.filter((choice) => choice.type === type);
}

/** The present key where it may be asked for again, else the first that may and is not weak. */
export function presetKey(choices: KeyChoice[], present: { type: string; bits?: number | null }): KeyChoice {
  const same = choices.find((choice) => choice.type === present.type && choice.bits === present.bits);
  return same ?? choices[0] ?? KEY_CHOICES[0]!;
}

/** Names one a line, without blanks and doubles; order stays. */
export function readNames(text: string): string[] {
  const names = text.split(/[\s,;]+/).filter((name) => name !== '');
  return [...new Set(names)];
}
