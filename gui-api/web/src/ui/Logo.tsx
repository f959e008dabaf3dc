/** The product's mark and name. */
export function Logo() {
  return (
    <span className="logo">
      <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
        <rect width="24" height="24" rx="6" />
        <path d="M4 10c2.7-3 5.3-3 8 0s5.3 3 8 0" />
        <path d="M4 15c2.7-3 5.3-3 8 0s5.3 3 8 0" />
      </svg>
      Tideline
    </span>
  );
}
