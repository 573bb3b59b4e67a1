// Conditions as rows a person can read, and as words. What the rows cannot say stays JSON.
import type { Json } from "./document";
import type { Name } from "./names";
import { gettext as _ } from "./words";

export const COMPARISONS = ["==", "!=", "<", "<=", ">", ">=", "in", "contains"] as const;
export type Operator = (typeof COMPARISONS)[number] | "is" | "not" | "empty" | "filled";

export interface Row {
  name: string;
  operator: Operator;
  value: Json;
}

export interface Condition {
  joined: "and" | "or";
  rows: Row[];
}

const isObject = (value: Json | undefined): value is { [name: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The name an expression reads, if it is nothing but a name. */
export function varOf(expression: Json | undefined): string | null {
  if (!isObject(expression)) return null;
  return Object.keys(expression).length === 1 && typeof expression.var === "string" ? expression.var : null;
}

/** Whether it is a plain value: no operator anywhere. */
export function isLiteral(expression: Json | undefined): boolean {
  if (Array.isArray(expression)) return expression.every(isLiteral);
  return !isObject(expression);
}

function rowOf(expression: Json): Row | null {
  const name = varOf(expression);
  if (name) return { name, operator: "is", value: null };
  if (!isObject(expression)) return null;
  const [operator, raw] = Object.entries(expression)[0] ?? [];
  if (operator === undefined || raw === undefined || Object.keys(expression).length !== 1) return null;
  const operands = Array.isArray(raw) ? raw : [raw];
  if ((operator === "not" || operator === "empty") && operands.length === 1) {
    const inner = operands[0]!;
    const read = varOf(inner);
    if (read) return { name: read, operator, value: null };
    if (operator === "not" && isObject(inner) && Object.keys(inner).length === 1 && inner.empty !== undefined) {
      const filled = varOf(Array.isArray(inner.empty) ? inner.empty[0] : inner.empty);
      return filled ? { name: filled, operator: "filled", value: null } : null;
    }
    return null;
  }
  if (!(COMPARISONS as readonly string[]).includes(operator) || operands.length !== 2) return null;
  const [left, right] = operands as [Json, Json];
  const leftName = varOf(left);
  // {"in": ["mail", {"var": "inputs.families"}]} is read as: families contains mail.
  if (operator === "in" && leftName === null && isLiteral(left)) {
    const list = varOf(right);
    return list ? { name: list, operator: "contains", value: left } : null;
  }
  return leftName && isLiteral(right) ? { name: leftName, operator: operator as Operator, value: right } : null;
}

/** The condition as rows, or null when only JSON can say it. */
export function conditionOf(expression: Json | undefined): Condition | null {
  if (expression === undefined || expression === null) return { joined: "and", rows: [] };
  if (isObject(expression)) {
    for (const joined of ["and", "or"] as const) {
      const parts = expression[joined];
      if (!Array.isArray(parts)) continue;
      const rows = parts.map(rowOf);
      return rows.every((row) => row !== null) ? { joined, rows } : null;
    }
  }
  const row = rowOf(expression);
  return row ? { joined: "and", rows: [row] } : null;
}

function rowJson({ name, operator, value }: Row): Json {
  const read = { var: name };
  if (operator === "is") return read;
  if (operator === "not" || operator === "empty") return { [operator]: [read] };
  if (operator === "filled") return { not: [{ empty: [read] }] };
  return { [operator]: [read, value] };
}

export function jsonOf({ joined, rows }: Condition): Json | undefined {
  if (!rows.length) return undefined;
  return rows.length === 1 ? rowJson(rows[0]!) : { [joined]: rows.map(rowJson) };
}

/** Operators that make sense for a name of this type, with their words. */
export function operatorsFor(type: string): [Operator, string][] {
  const yes: [Operator, string][] = [["is", _("is yes")], ["not", _("is no")]];
  const equal: [Operator, string][] = [["==", _("is")], ["!=", _("is not")]];
  const filled: [Operator, string][] = [["filled", _("is given")], ["empty", _("is not given")]];
  const order: [Operator, string][] = [["<", _("is less than")], ["<=", _("is at most")], [">", _("is more than")], [">=", _("is at least")]];
  if (type === "boolean") return yes;
  if (type === "integer" || type === "decimal") return [...equal, ...order, ...filled];
  if (type === "list" || type === "multi_choice") return [["contains", _("contains")], ...filled];
  if (type === "object") return filled;
  if (type === "any") return [...equal, ...order, ["contains", _("contains")], ...filled, ...yes];
  return [...equal, ["in", _("is one of")], ["contains", _("contains")], ...filled];
}

function valueWords(value: Json, name: Name | undefined): string {
  if (Array.isArray(value)) return value.map((one) => valueWords(one, name)).join(", ");
  const choice = name?.item.choices?.find((one) => (typeof one === "string" ? one : one[0]) === value);
  return choice ? (typeof choice === "string" ? choice : choice[1]) : String(value ?? "–");
}

/** The condition in few words, for the drawing. */
export function conditionWords(expression: Json | undefined, names: Name[]): string {
  const condition = conditionOf(expression);
  if (!condition) return _("by a condition");
  const told = condition.rows.map((row) => {
    const name = names.find((one) => one.name === row.name);
    const label = name?.label ?? row.name.split(".").slice(1).join(".");
    const value = valueWords(row.value, name);
    if (row.operator === "is") return label;
    if (row.operator === "not") return _("not: %(label)s", { label });
    if (row.operator === "contains") return _("%(value)s in %(label)s", { value, label });
    const words = operatorsFor(name?.item.type ?? "any").find(([operator]) => operator === row.operator)?.[1] ?? row.operator;
    return row.operator === "empty" || row.operator === "filled" ? `${label} ${words}` : `${label} ${words} ${value}`;
  });
  return told.join(condition.joined === "and" ? _(" and ") : _(" or "));
}
