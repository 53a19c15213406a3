// Sets colour scheme, contrast and density before the first paint, so that no light page flashes up in the dark and no row jumps.
(function () {
  var scheme = null;
  var density = null;
  var contrast = null;
  try {
    scheme = localStorage.getItem('mantine-color-scheme-value');
    density = localStorage.getItem('certyard-density');
    contrast = localStorage.getItem('certyard-contrast');
  } catch (error) {
    scheme = null;
  }
  var dark = scheme === 'dark' || (scheme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
  var more = contrast === 'more' || (contrast !== 'normal' && matchMedia('(prefers-contrast: more)').matches);
  document.documentElement.setAttribute('data-contrast', more ? 'more' : 'normal');
  document.documentElement.setAttribute('data-density', density === 'compact' ? 'compact' : 'comfortable');
})();
