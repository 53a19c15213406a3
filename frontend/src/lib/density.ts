/** How tightly rows stand. `public/boot.js` sets it before the first paint. */
export type Density = 'comfortable' | 'compact';

export const DENSITIES: Density[] = ['comfortable', 'compact'];
const STORAGE_KEY = 'certyard-density';

export function currentDensity(): Density {
  return document.documentElement.dataset.density === 'compact' ? 'compact' : 'comfortable';
}

export function setDensity(density: Density): void {
  document.documentElement.dataset.density = density;
  localStorage.setItem(STORAGE_KEY, density);
}
