// Stages and fields of the progress document in words.

const WORDS = {
  waiting: "Waiting to be read",
  recording: "Adding it to the office's sheet",
  failed: "The bill was not recorded",
  unknown: "Not found",
  silent: "No update for a while. Open it to check.",
};

/** One line for a state, also for the list of recent bills. */
export function stageText(state) {
  if (state.stage === "reading") {
    if (state.pagesTotal < 2) return "Reading the bill";
    return `Reading page ${Math.min(state.pagesDone + 1, state.pagesTotal)} of ${state.pagesTotal}`;
  }
  if (state.stage === "done") return state.attention.length ? "Recorded, needs a check" : "Recorded";
  return WORDS[state.stage] ?? WORDS.waiting;
}

const LABELS = {
  customer_name: "Name on the bill",
  utility: "Utility",
  account_number: "Account number",
  account_number_printed: "Account number as printed",
  pod_id: "PoD ID",
  service_address: "Service address",
  period_start: "Period start",
  period_end: "Period end",
  kwh: "Usage in the period",
  net_kwh: "Net usage after power sent to the grid",
  annual_kwh: "Annual usage",
  annual_kwh_basis: "Basis of the annual usage",
  meter_number: "Meter number",
  rate_class: "Rate",
  statement_date: "Statement date",
  amount_due: "Amount due",
};
const UNITS = { kwh: "kWh", net_kwh: "kWh", annual_kwh: "kWh" };
const DOLLARS = { style: "currency", currency: "USD" };
const DAY = { year: "numeric", month: "short", day: "numeric", timeZone: "UTC" };

export const fieldOrder = (name) => (name in LABELS ? Object.keys(LABELS).indexOf(name) : Infinity);

/** A label for any field, known or not. */
export function fieldLabel(name) {
  const words = name.replace(/_/g, " ").trim();
  return LABELS[name] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** A value of any type for people; "" for none. */
export function fieldText(name, value) {
  if (value == null) return "";
  if (typeof value === "number") {
    if (name === "amount_due") return value.toLocaleString("en-US", DOLLARS);
    return [value.toLocaleString("en-US"), UNITS[name]].filter(Boolean).join(" ");
  }
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map((part) => fieldText("", part)).filter(Boolean).join(", ");
  if (typeof value === "object") return fieldText("", Object.keys(value).sort().map((key) => value[key])); // maps have no order
  if (/^\d{4}-\d{2}-\d{2}$/.test(value)) return new Date(`${value}T00:00:00Z`).toLocaleDateString("en-US", DAY);
  return String(value);
}
