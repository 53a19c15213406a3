import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import en from './locales/en.json';

/** Languages of the pages, each by its own name. */
export const LANGUAGES: Record<string, string> = {
  en: 'English',
  sv: 'Svenska',
  de: 'Deutsch',
  cs: 'Čeština',
  uk: 'Українська',
  ru: 'Русский',
};

const STORAGE_KEY = 'certyard-language';
const loaders = import.meta.glob<{ default: Record<string, string> }>('./locales/*.json');

function firstLanguage(): string {
  const stored = localStorage.getItem(STORAGE_KEY);
  const wanted = stored === null ? navigator.languages : [stored];
  for (const tag of wanted) {
    const base = tag.split('-')[0] ?? '';
    if (base in LANGUAGES) return base;
  }
  return 'en';
}

/** Loads the words of a language and switches the pages to it. */
export async function setLanguage(language: string): Promise<void> {
  const load = loaders[`./locales/${language}.json`];
  if (load !== undefined && !i18next.hasResourceBundle(language, 'translation')) {
    const words = await load();
    i18next.addResourceBundle(language, 'translation', words.default);
  }
  localStorage.setItem(STORAGE_KEY, language);
  document.documentElement.lang = language;
  await i18next.changeLanguage(language);
}

export async function startI18n(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en: { translation: en } },
    keySeparator: false,
    nsSeparator: false,
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  const language = firstLanguage();
  if (language !== 'en') await setLanguage(language);
  // What is chosen in one tab, all others follow.
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key === STORAGE_KEY && newValue !== null && newValue in LANGUAGES) void setLanguage(newValue);
  });
}
