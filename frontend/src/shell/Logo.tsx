export function Logo() {
  return (
    <span className="logo">
      <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden>
        <defs>
          <linearGradient id="logo-fill" x1="0" y1="0" x2="1" y2="1">
            <stop offset="0" stopColor="#3492eb" />
            <stop offset="1" stopColor="#0353a8" />
          </linearGradient>
        </defs>
        <rect width="32" height="32" rx="9" fill="url(#logo-fill)" />
        <path
          d="M8 12.5 16 8l8 4.5M10 14.5V23h12v-8.5"
          fill="none"
          stroke="#fff"
          strokeWidth="2"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
        <circle cx="16" cy="17" r="2.4" fill="none" stroke="#fff" strokeWidth="2" />
        <path d="M16 19.5V23" stroke="#fff" strokeWidth="2" strokeLinecap="round" />
      </svg>
      <span className="logo-word">Certyard</span>
    </span>
  );
}
