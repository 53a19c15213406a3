import type { ProfileSetting, PurposeOptions } from '../../api/types';

/** The fields that a profile may want of one purpose; all open where it wants nothing. */
export type Wanted = Omit<ProfileSetting, 'product' | 'purpose'>;

export const OPEN: Wanted = {};

/** What a profile wants of a purpose. */
export function wantedOf(settings: ProfileSetting[], product: string, purpose: string): Wanted {
  const found = settings.find((setting) => setting.product === product && setting.purpose === purpose);
  if (found === undefined) return OPEN;
  const { product: _product, purpose: _purpose, ...wanted } = found;
  return wanted;
}

/** Whether nothing is wanted: whatever is installed is right. */
export function isOpen(wanted: Wanted): boolean {
  return (
    wanted.signing == null &&
    wanted.use_tomcat !== true &&
    wanted.multi_server == null &&
    wanted.validity_years == null &&
    wanted.key_type == null &&
    wanted.key_bits == null &&
    wanted.hash == null &&
    (wanted.subject ?? []).length === 0
  );
}

/** Settings with another wish for one purpose; a purpose that is open is not named at all. */
export function withWanted(
  settings: ProfileSetting[],
  product: string,
  purpose: string,
  wanted: Wanted,
): ProfileSetting[] {
  const others = settings.filter((setting) => setting.product !== product || setting.purpose !== purpose);
  return isOpen(wanted) ? others : [...others, { product, purpose, ...wanted }];
}

/** `RSA 3072` as the value of a chooser, and back. */
export function keyValue(wanted: Wanted): string {
  return wanted.key_type == null || wanted.key_bits == null ? '' : `${wanted.key_type} ${wanted.key_bits}`;
}

/** The hashes that go with a key; without a key all that any key has. */
export function hashesFor(options: PurposeOptions, key: string): string[] {
  const keys = options.keys.filter((option) => key === '' || `${option.key_type} ${option.bits}` === key);
  return [...new Set(keys.flatMap(({ hashes }) => hashes))];
}

/** What a profile wants that this version cannot have, by field. */
export function notInVersion(options: PurposeOptions, wanted: Wanted): string[] {
  const fields: string[] = [];
  if (wanted.use_tomcat === true && options.reuse == null) fields.push('use_tomcat');
  if (wanted.signing != null && !options.signing.includes(wanted.signing)) fields.push('signing');
  const key = keyValue(wanted);
  if (key !== '' && !options.keys.some((option) => `${option.key_type} ${option.bits}` === key)) {
    fields.push('key_type');
  }
  if (wanted.hash != null && !hashesFor(options, key).includes(wanted.hash)) fields.push('hash');
  if (wanted.multi_server === true && !mayBeMultiServer(options, wanted)) fields.push('multi_server');
  return fields;
}

/** Whether one certificate may cover all nodes, by who signs it. */
export function mayBeMultiServer(options: PurposeOptions, wanted: Wanted): boolean {
  if (wanted.signing === 'self_signed') return options.multi_server_self_signed;
  if (wanted.signing === 'ca_signed') return options.multi_server_ca_signed;
  return options.multi_server_self_signed || options.multi_server_ca_signed;
}
