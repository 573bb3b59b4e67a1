// Text for people goes through Django's catalogue, when one is loaded.
declare global {
  interface Window {
    gettext?: (text: string) => string;
    ngettext?: (one: string, many: string, count: number) => string;
  }
}

type Values = Record<string, string | number>;

function filled(text: string, values?: Values): string {
  return values ? text.replace(/%\((\w+)\)s/g, (_all, name: string) => String(values[name] ?? "")) : text;
}

/** The text in the reader's language, with `%(name)s` filled in. */
export function gettext(text: string, values?: Values): string {
  return filled(window.gettext ? window.gettext(text) : text, values);
}

/** The same for a count: `%(n)s` is the count itself. */
export function ngettext(one: string, many: string, n: number): string {
  return filled(window.ngettext ? window.ngettext(one, many, n) : n === 1 ? one : many, { n });
}

/** Seconds as people say them. */
export function duration(seconds: number): string {
  if (seconds < 90) return gettext("%(n)s s", { n: Math.round(seconds) });
  if (seconds < 5400) return gettext("%(n)s min", { n: Math.round(seconds / 60) });
  if (seconds < 172800) return gettext("%(n)s h", { n: Math.round(seconds / 360) / 10 });
  return gettext("%(n)s days", { n: Math.round(seconds / 8640) / 10 });
}
