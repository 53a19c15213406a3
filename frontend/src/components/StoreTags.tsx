import { Tag } from './Badge';

const SHOWN = 2;

/** The first stores by name, and how many there are beyond. */
export function StoreTags({ stores }: { stores: string[] }) {
  return (
    <span className="tags">
      {stores.slice(0, SHOWN).map((store) => (
        <Tag key={store}>{store}</Tag>
      ))}
      {stores.length > SHOWN && <Tag>+{stores.length - SHOWN}</Tag>}
    </span>
  );
}
