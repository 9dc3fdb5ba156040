// How a page's language names months and days and writes numbers, for Vega: what the browser itself knows of it.
const SUNDAY = Date.UTC(2026, 0, 4), DAY = 86_400_000;

export function localeOf(language) {
  const said = (day, how) => new Intl.DateTimeFormat(language, { timeZone: "UTC", ...how }).format(day);
  const days = (weekday) => Array.from({ length: 7 }, (_, n) => said(SUNDAY + n * DAY, { weekday }));
  const months = (month) => Array.from({ length: 12 }, (_, n) => said(Date.UTC(2026, n, 1), { month }));
  const written = new Intl.NumberFormat(language).formatToParts(-12_345.5);
  const sign = (type) => written.find((part) => part.type === type)?.value ?? "";
  return {
    number: { decimal: sign("decimal"), thousands: sign("group"), grouping: [3], currency: ["", ""] },
    time: {
      dateTime: "%x, %X", date: "%-d %B %Y", time: "%H:%M", periods: ["AM", "PM"],
      days: days("long"), shortDays: days("short"), months: months("long"), shortMonths: months("short"),
    },
  };
}
