// Where a value comes from: a plain value, an input of the run, the output of an earlier task, or JSON for the rest.
import { useState } from "react";
import type { Characteristic, Json } from "./document";
import { isLiteral, varOf } from "./expressions";
import { Field, JsonBox, Select, ValueBox } from "./fields";
import { fits, type Name } from "./names";
import { gettext as _ } from "./words";

type Mode = "none" | "value" | "input" | "output" | "raw";

function modeOf(expression: Json | undefined, names: Name[]): Mode {
  if (expression === undefined || expression === null) return "none";
  const read = varOf(expression);
  if (read !== null) {
    const known = names.find((one) => one.name === read);
    if (known) return known.source === "input" ? "input" : "output";
    return read.startsWith("inputs.") ? "input" : read.startsWith("tasks.") ? "output" : "raw";
  }
  return isLiteral(expression) ? "value" : "raw";
}

/** Names to choose from, those that fit first, grouped by where they come from. */
export function NameSelect({ value, onChange, names, wanted, label, id }: { value: string; onChange: (name: string) => void; names: Name[]; wanted: string; label?: string; id?: string }) {
  const groups = new Map<string, Name[]>();
  for (const one of names) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  const options = (ones: Name[]) =>
    [...ones]
      .sort((one, other) => Number(fits(other.item.type, wanted)) - Number(fits(one.item.type, wanted)))
      .map((one) => (
        <option key={one.name} value={one.name}>
          {one.label}
          {fits(one.item.type, wanted) ? "" : ` (${one.item.type})`}
        </option>
      ));
  return (
    <select id={id} className="form-select" aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{_("Choose…")}</option>
      {value && !names.some((one) => one.name === value) && <option value={value}>{value}</option>}
      {[...groups].map(([group, ones]) =>
        group ? (
          <optgroup key={group} label={group}>
            {options(ones)}
          </optgroup>
        ) : (
          options(ones)
        ),
      )}
    </select>
  );
}

export function ExpressionField({ item, label, value, onChange, names, place, required, hint }: { item: Characteristic; label: string; value: Json | undefined; onChange: (value: Json | undefined) => void; names: Name[]; place: string; required?: boolean; hint?: string }) {
  const own = modeOf(value, names);
  const [chosen, setChosen] = useState<Mode | null>(null);
  const [before, setBefore] = useState(own);
  if (own !== before) {
    setBefore(own);
    setChosen(null);
  }
  const mode = chosen ?? own;
  const inputs = names.filter((one) => one.source === "input");
  const outputs = names.filter((one) => one.source !== "input");
  const modes: [string, string][] = [
    ["none", required ? _("Choose…") : _("not given")],
    ["value", _("value")],
    ["input", _("run input")],
    ["output", _("earlier output")],
    ["raw", _("JSON")],
  ];
  return (
    <Field label={required ? label : _("%(label)s (optional)", { label })} hint={hint} place={place}>
      {(control) => (
        <div className="wf-source">
          <Select
            control={{ ...control }}
            value={mode}
            options={modes}
            onChange={(next) => {
              setChosen(next as Mode);
              if (next === "none") onChange(undefined);
              else if (next === "input" && inputs.filter((one) => fits(one.item.type, item.type)).length === 1) onChange({ var: inputs.find((one) => fits(one.item.type, item.type))!.name });
            }}
          />
          {mode === "value" && <ValueBox control={{ id: `${control.id}v`, ...named(label) }} item={item} value={own === "value" ? value : undefined} onChange={onChange} />}
          {mode === "input" && <NameSelect label={_("%(label)s: which run input", { label })} value={own === "input" ? (varOf(value) ?? "") : ""} names={inputs} wanted={item.type} onChange={(name) => onChange(name ? { var: name } : undefined)} />}
          {mode === "output" && <NameSelect label={_("%(label)s: which output", { label })} value={own === "output" ? (varOf(value) ?? "") : ""} names={outputs} wanted={item.type} onChange={(name) => onChange(name ? { var: name } : undefined)} />}
          {mode === "raw" && <JsonBox control={{ id: `${control.id}v`, ...named(_("%(label)s as JSON", { label })) }} value={value} onChange={onChange} />}
        </div>
      )}
    </Field>
  );
}

const named = (label: string): { "aria-label": string } => ({ "aria-label": label });
