/** Whether lines and words stand out as much as they can, in light as in dark. `boot.js` sets it before the first paint. */
const STORAGE_KEY = 'certyard-contrast';

export function hasHighContrast(): boolean {
  return document.documentElement.getAttribute('data-contrast') === 'more';
}

export function setHighContrast(on: boolean): void {
  localStorage.setItem(STORAGE_KEY, on ? 'more' : 'normal');
  document.documentElement.setAttribute('data-contrast', on ? 'more' : 'normal');
}
