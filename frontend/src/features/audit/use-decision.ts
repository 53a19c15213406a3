import { useTranslation } from 'react-i18next';

/** What was decided, in words: `profile.default` is "Made the default", `cluster.create` "Created". */
export function useDecision(): (action: string) => string {
  const { t, i18n } = useTranslation();
  return (action) => {
    const verb = action.split('.').at(-1) ?? action;
    const keys = [`decision.${action}`, `decision.${verb}`];
    const known = keys.find((key) => i18n.exists(key));
    // An action of a newer server keeps its own name.
    return known === undefined ? action : t(known);
  };
}
