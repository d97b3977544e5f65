// As the page is written: British English, so that dates read the same for everyone who reads it.
const LOCALE = "en-GB";
const NUMBER = new Intl.NumberFormat(LOCALE);
const DATE = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium" });
const DATE_TIME = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });
const TIME = new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium" });
const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

export function formatNumber(value: number): string {
  return NUMBER.format(value);
}

/** A share from 0 to 1 as "37.5 %". */
export function formatShare(share: number): string {
  return `${(share * 100).toLocaleString(LOCALE, { maximumFractionDigits: 1 })} %`;
}

/** 1 kB is 1,000 bytes, as plans count them. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 10 ? 1 : 0;
  return `${value.toLocaleString(LOCALE, { maximumFractionDigits: digits })} ${UNITS[unit]}`;
}

export function formatDuration(milliseconds: number): string {
  return milliseconds < 1000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1000).toLocaleString(LOCALE, { maximumFractionDigits: 1 })} s`;
}

export function formatDate(iso: string): string {
  return DATE.format(new Date(iso));
}

export function formatDateTime(iso: string): string {
  return DATE_TIME.format(new Date(iso));
}

/** The hour, minute and second of the reader's day. */
export function formatTime(iso: string): string {
  return TIME.format(new Date(iso));
}

/** "1 passage", "2 passages". */
export function counted(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? "" : "s"}`;
}
