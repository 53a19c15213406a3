import type { Profile, ProfileSetting } from '../../api/types';

/** What can be changed of a profile. */
export type Edit = Pick<Profile, 'name' | 'description' | 'settings'>;

const PARTED = ' · ';

/** A profile as flat fields, one for each value that it wants, so that two edits of it can be compared. */
export function fieldsOf({ name, description, settings }: Edit): Record<string, unknown> {
  const fields: Record<string, unknown> = { name, description };
  for (const { product, purpose, ...wanted } of settings) {
    for (const [rule, value] of Object.entries(wanted)) {
      const empty = value == null || value === false || (Array.isArray(value) && value.length === 0);
      // That not all nodes share a certificate is wanted, too; that none is reused is what is without it.
      if (!empty || (rule === 'multi_server' && value === false))
        fields[[product, purpose, rule].join(PARTED)] = value;
    }
  }
  return fields;
}

/** The way back from flat fields. */
export function editOf(fields: Record<string, unknown>): Edit {
  const settings = new Map<string, ProfileSetting>();
  for (const [field, value] of Object.entries(fields)) {
    const [product, purpose, rule] = field.split(PARTED);
    if (product === undefined || purpose === undefined || rule === undefined) continue;
    const key = `${product}${PARTED}${purpose}`;
    settings.set(key, { product, purpose, ...settings.get(key), [rule]: value });
  }
  return {
    name: String(fields.name ?? ''),
    description: String(fields.description ?? ''),
    settings: [...settings.values()],
  };
}

type Words = (text: string) => string;

/** `Unified CM · tomcat · Key` for a flat field. */
export function settingWords(field: string, productName: Words, ruleName: Words): string {
  const [product = '', purpose = '', rule = ''] = field.split(PARTED);
  return [productName(product), purpose, ruleName(rule)].join(PARTED);
}

/** The same for a field as the server names it, `settings[3].key_bits`; other fields have no such name. */
export function settingOf(
  field: string,
  sent: ProfileSetting[],
  productName: Words,
  ruleName: Words,
): string | undefined {
  const [, index, rule = ''] = /^settings\[(\d+)\](?:\.(\w+))?/.exec(field) ?? [];
  const setting = index === undefined ? undefined : sent[Number(index)];
  if (setting === undefined) return undefined;
  return settingWords([setting.product, setting.purpose, rule].join(PARTED), productName, ruleName);
}
