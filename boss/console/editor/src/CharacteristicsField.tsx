// Typed fields: what a run asks for at its start, what a person is asked for at the end of a task.
import { useState } from "react";
import { type Characteristic, choicesOf, freshKey, slug, titleOf } from "./document";
import { AreaField, CheckField, Fold, KeyField, NumberField, Problems, SelectField, TextField } from "./fields";
import { problemsAt, useEditing } from "./editing";
import { Icon } from "./Icon";
import { gettext as _ } from "./words";

const TYPES = (): [string, string][] => [
  ["text", _("Text")],
  ["long_text", _("Long text")],
  ["integer", _("Whole number")],
  ["decimal", _("Number")],
  ["boolean", _("Yes or no")],
  ["choice", _("One choice")],
  ["multi_choice", _("Several choices")],
  ["date", _("Date")],
  ["datetime", _("Date and time")],
  ["email", _("E-mail")],
  ["phone", _("Phone")],
  ["hostname", _("Host name")],
  ["ipv4", _("IPv4 address")],
  ["ipv6", _("IPv6 address")],
  ["mac", _("MAC address")],
  ["secret", _("Secret")],
];
const PLAIN = (): [string, string][] => [
  ["list", _("List")],
  ["object", _("Object")],
];

const choiceLine = ([key, label]: [string, string]) => (key === label ? key : `${key}: ${label}`);

function choicesFrom(text: string): (string | [string, string])[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const [key, ...label] = line.split(":");
      return label.length ? ([key!.trim(), label.join(":").trim()] as [string, string]) : /^[a-z0-9_-]+$/.test(line) ? line : ([slug(line), line] as [string, string]);
    });
}

export function CharacteristicsField({ items, onChange, onRename, place, plain, noun }: { items: Characteristic[]; onChange: (items: Characteristic[], tag?: string) => void; onRename?: (from: string, to: string) => void; place: string; plain?: boolean; noun: string }) {
  const { checked } = useEditing();
  const types = plain ? [...TYPES(), ...PLAIN()] : TYPES();
  const set = (at: number, change: Partial<Characteristic>, tag = "") =>
    onChange(
      items.map((item, place) => {
        if (place !== at) return item;
        const next = { ...item, ...change };
        return Object.fromEntries(Object.entries(next).filter(([name, value]) => name === "key" || name === "type" || (value !== undefined && value !== "" && value !== false))) as unknown as Characteristic;
      }),
      tag && `${place}.${at}.${tag}`,
    );
  const rename = (at: number, to: string) => {
    const from = items[at]!.key;
    if (to === from) return;
    if (onRename) onRename(from, to);
    else set(at, { key: to });
  };
  return (
    <div className="wf-items" data-place={place}>
      {items.map((item, at) => (
        <Fold
          className="fold"
          key={at}
          begins={!item.label}
          title={
            <>
              {titleOf(item)} <span className="text-secondary">{types.find(([key]) => key === item.type)?.[1] ?? item.type}</span>
              {!item.required && <span className="text-secondary"> {_("(optional)")}</span>}
            </>
          }
        >
          <div className="wf-grid">
            <TextField
              label={_("Label")}
              value={item.label ?? ""}
              onChange={(label) => set(at, { label }, "label")}
              onLeave={() => {
                // A key nobody chose follows the label; one that is named elsewhere is renamed there, too.
                if (item.label && /^(field|input)(_\d+)?$/.test(item.key)) rename(at, freshKey(slug(item.label), items.filter((_one, place) => place !== at).map((one) => one.key)));
              }}
            />
            <SelectField label={_("Type")} value={item.type} options={types} onChange={(type) => set(at, { type, choices: type.endsWith("choice") ? (item.choices ?? ["yes", "no"]) : undefined })} />
            <KeyField value={item.key} taken={items.map((one) => one.key)} onRename={(key) => rename(at, key)} place={`${place}.${item.key}.key`} />
            {(item.type === "integer" || item.type === "decimal" || item.type === "text") && <TextField label={_("Unit")} value={item.unit ?? ""} onChange={(unit) => set(at, { unit }, "unit")} />}
            {(item.type === "integer" || item.type === "decimal") && (
              <>
                <NumberField label={_("From")} value={item.minimum} onChange={(minimum) => set(at, { minimum }, "minimum")} />
                <NumberField label={_("To")} value={item.maximum} onChange={(maximum) => set(at, { maximum }, "maximum")} />
              </>
            )}
          </div>
          {item.type.endsWith("choice") && <ChoicesField item={item} onChange={(choices) => set(at, { choices }, "choices")} />}
          <TextField label={_("Help")} value={item.help ?? ""} onChange={(help) => set(at, { help }, "help")} />
          <div className="actions">
            <CheckField label={_("Required")} value={item.required ?? false} onChange={(required) => set(at, { required })} />
            <button type="button" className="btn btn-quiet btn-sm" onClick={() => onChange(items.filter((_one, place) => place !== at))}>
              <Icon name="trash" />
              {_("Remove")}
            </button>
          </div>
        </Fold>
      ))}
      <button type="button" className="btn btn-outline btn-sm" onClick={() => onChange([...items, { key: freshKey(plain ? "input" : "field", items.map((item) => item.key)), type: "text" }])}>
        <Icon name="plus" />
        {noun}
      </button>
      <Problems faults={problemsAt(checked.faults, place)} warnings={problemsAt(checked.warnings, place)} />
    </div>
  );
}

const linesOf = (choices: Characteristic["choices"]): string => choicesOf({ key: "", type: "choice", choices }).map(choiceLine).join("\n");

function ChoicesField({ item, onChange }: { item: Characteristic; onChange: (choices: (string | [string, string])[]) => void }) {
  const told = linesOf(item.choices);
  const [text, setText] = useState(told);
  const [last, setLast] = useState(told);
  if (told !== last) {
    setLast(told);
    setText(told);
  }
  return (
    <AreaField
      label={_("Choices")}
      hint={_("One a line; “key: label” where they differ.")}
      value={text}
      onChange={(typed) => {
        const choices = choicesFrom(typed);
        setText(typed);
        setLast(linesOf(choices));
        onChange(choices);
      }}
    />
  );
}
