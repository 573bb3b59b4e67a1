// When a task runs: rows of "name, comparison, value", joined by all or any; JSON for what rows cannot say.
import { useState } from "react";
import type { Json } from "./document";
import { problemsAt, useEditing } from "./editing";
import { type Condition, conditionOf, jsonOf, type Operator, operatorsFor, type Row } from "./expressions";
import { NameSelect } from "./ExpressionField";
import { Field, JsonBox, Problems, ValueBox } from "./fields";
import { Icon } from "./Icon";
import type { Name } from "./names";
import { gettext as _ } from "./words";

const SINGLE: Operator[] = ["is", "not", "empty", "filled"];

export function ConditionField({ value, onChange, names, place }: { value: Json | undefined; onChange: (value: Json | undefined) => void; names: Name[]; place: string }) {
  const { checked } = useEditing();
  const condition = conditionOf(value);
  const [raw, setRaw] = useState(false);
  const [open, setOpen] = useState<Row | null>(null);
  if (raw || condition === null)
    return (
      <>
        <Field label={_("Only if")} place={place} hint={_("A condition in the language of the how-to “Write a workflow”.")}>
          {(control) => <JsonBox control={control} value={value} onChange={onChange} rows={4} />}
        </Field>
        {condition !== null && (
          <button type="button" className="btn btn-quiet btn-sm" onClick={() => setRaw(false)}>
            {_("As rows")}
          </button>
        )}
      </>
    );
  const update = (next: Condition) => onChange(jsonOf(next));
  // A row without a name says nothing yet, so it is kept here and not in the document.
  const rows = open ? [...condition.rows, open] : condition.rows;
  const setRow = (at: number, row: Row) => {
    if (at < condition.rows.length) return update({ ...condition, rows: condition.rows.map((one, place) => (place === at ? row : one)) });
    if (!row.name) return setOpen(row);
    setOpen(null);
    update({ ...condition, rows: [...condition.rows, row] });
  };
  return (
    <fieldset className="wf-condition" data-place={place}>
      <legend>{_("Only if")}</legend>
      {!rows.length && <p className="form-hint">{_("No condition: it always runs when its turn comes.")}</p>}
      {rows.length > 1 && (
        <label className="wf-joined">
          <span>{_("What must hold:")}</span>{" "}
          <select className="form-select form-select-sm" value={condition.joined} onChange={(event) => update({ ...condition, joined: event.target.value as "and" | "or" })}>
            <option value="and">{_("all of these")}</option>
            <option value="or">{_("any of these")}</option>
          </select>
        </label>
      )}
      {rows.map((row, at) => {
        const name = names.find((one) => one.name === row.name);
        const type = name?.item.type ?? "any";
        const operators = operatorsFor(type);
        const item = { ...(name?.item ?? { key: "value", type: "text" }), type: row.operator === "in" ? "list" : type === "list" || type === "multi_choice" ? "text" : type === "any" ? "text" : type };
        return (
          <div className="wf-row" key={at}>
            <NameSelect
              label={_("Condition %(n)s: what", { n: at + 1 })}
              value={row.name}
              names={names}
              wanted="any"
              onChange={(next) => {
                const chosen = operatorsFor(names.find((one) => one.name === next)?.item.type ?? "any");
                const operator = chosen.some(([key]) => key === row.operator) ? row.operator : chosen[0]![0];
                setRow(at, { name: next, operator, value: null });
              }}
            />
            <select className="form-select" aria-label={_("Condition %(n)s: how", { n: at + 1 })} value={row.operator} onChange={(event) => setRow(at, { ...row, operator: event.target.value as Operator })}>
              {!operators.some(([key]) => key === row.operator) && <option value={row.operator}>{row.operator}</option>}
              {operators.map(([key, words]) => (
                <option key={key} value={key}>
                  {words}
                </option>
              ))}
            </select>
            {!SINGLE.includes(row.operator) && (
              <ValueBox control={{ id: `${place}-${at}`, ...{ "aria-label": _("Condition %(n)s: value", { n: at + 1 }) } }} item={item} value={row.value ?? undefined} onChange={(next) => setRow(at, { ...row, value: next ?? null })} />
            )}
            <button
              type="button"
              className="btn btn-quiet wf-small"
              aria-label={_("Remove condition %(n)s", { n: at + 1 })}
              onClick={() => (at < condition.rows.length ? update({ ...condition, rows: condition.rows.filter((_row, place) => place !== at) }) : setOpen(null))}
            >
              <Icon name="x" />
            </button>
          </div>
        );
      })}
      <div className="actions">
        {!open && (
          <button type="button" className="btn btn-outline btn-sm" onClick={() => setOpen({ name: "", operator: "==", value: null })}>
            <Icon name="plus" />
            {_("Condition")}
          </button>
        )}
        <button type="button" className="btn btn-quiet btn-sm" onClick={() => setRaw(true)}>
          {_("As JSON")}
        </button>
      </div>
      <Problems faults={problemsAt(checked.faults, place)} warnings={problemsAt(checked.warnings, place)} />
    </fieldset>
  );
}
