/** Marks a conversation that its owner keeps on top. */
export function PinIcon() {
  return (
    <svg className="icon" viewBox="0 0 16 16" role="img" aria-label="Pinned">
      <path d="M5 1h6v1.4l-1 .6v4l2 2V10.4H8.7V15H7.3v-4.6H4V9l2-2V3l-1-.6z" fill="currentColor" />
    </svg>
  );
}

/** Marks a conversation that colleagues may read. */
export function SharedIcon() {
  return (
    <svg className="icon" viewBox="0 0 16 16" role="img" aria-label="Shared">
      <circle cx="5.5" cy="5" r="2.5" fill="currentColor" />
      <circle cx="11.5" cy="6" r="2" fill="currentColor" />
      <path
        d="M1 13c0-3 2-4.5 4.5-4.5S10 10 10 13zm10.2 0c0-1.7-.4-3-1.2-4 .5-.3 1-.4 1.5-.4C13.6 8.6 15 10 15 13z"
        fill="currentColor"
      />
    </svg>
  );
}
