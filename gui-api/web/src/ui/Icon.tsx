/** Line icons on a 16 × 16 grid, drawn in the colour of the text. */
const PATHS = {
  close: "M4 4l8 8M12 4l-8 8",
  up: "M3.5 10L8 5.5l4.5 4.5",
  down: "M3.5 6L8 10.5 12.5 6",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2l7.5 4.8L5 12.8z",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  check: "M3 8.5l3.2 3.2L13 4.8",
  filter: "M2 3.5h12L9.5 9v4l-3-1.5V9z",
  signOut: "M9.5 2.5h-6v11h6M7 8h7M11.5 5.5L14 8l-2.5 2.5",
  warning: "M8 2.2L14.5 13.5h-13zM8 6.5v3.2M8 11.4v.4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
