// Form fields: label, hint, control and the problems of its place, tied together for screen readers.
import { type ReactNode, useId, useState } from "react";
import { type Characteristic, choicesOf, freshKey, type Json, slug } from "./document";
import { problemsAt, useEditing } from "./editing";
import { Icon } from "./Icon";
import { gettext as _ } from "./words";

interface Frame {
  label: string;
  hint?: ReactNode;
  /** The place in the document that problems name: `tasks.survey.pool`. */
  place?: string;
  /** Shown to screen readers only. */
  quiet?: boolean;
}

interface Control {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}

export function Field({ label, hint, place, quiet, children }: Frame & { children: (control: Control) => ReactNode }) {
  const id = useId();
  const { checked } = useEditing();
  const faults = place ? problemsAt(checked.faults, place) : [];
  const warnings = place ? problemsAt(checked.warnings, place) : [];
  const described = [hint ? `${id}h` : "", faults.length || warnings.length ? `${id}e` : ""].filter(Boolean).join(" ");
  const control: Control = { id };
  if (described) control["aria-describedby"] = described;
  if (faults.length) control["aria-invalid"] = true;
  return (
    <div className={`field${faults.length ? " has-error" : ""}`} data-place={place}>
      <label className={quiet ? "boss-hidden" : "form-label"} htmlFor={id}>
        {label}
      </label>
      {children(control)}
      {hint && (
        <span className="form-hint" id={`${id}h`}>
          {hint}
        </span>
      )}
      <Problems id={`${id}e`} faults={faults} warnings={warnings} />
    </div>
  );
}

export function Problems({ id, faults, warnings }: { id?: string; faults: string[]; warnings: string[] }) {
  if (!faults.length && !warnings.length) return null;
  return (
    <div id={id}>
      {faults.map((text) => (
        <span className="invalid-feedback" key={text}>
          <Icon name="alert-circle" />
          <span>{text}</span>
        </span>
      ))}
      {warnings.map((text) => (
        <span className="wf-warning" key={text}>
          <Icon name="alert-triangle" />
          <span>{text}</span>
        </span>
      ))}
    </div>
  );
}

interface Typed<T> extends Frame {
  value: T;
  onChange: (value: T) => void;
}

const css = (control: Control, name: string) => `${name}${control["aria-invalid"] ? " is-invalid" : ""}`;

export function TextField({ value, onChange, onLeave, placeholder, ...frame }: Typed<string> & { onLeave?: () => void; placeholder?: string }) {
  return (
    <Field {...frame}>
      {(control) => (
        <input
          {...control}
          type="text"
          className={css(control, "form-control")}
          value={value}
          placeholder={placeholder}
          onChange={(event) => onChange(event.target.value)}
          onBlur={onLeave}
        />
      )}
    </Field>
  );
}

export function AreaField({ value, onChange, rows = 3, ...frame }: Typed<string> & { rows?: number }) {
  return (
    <Field {...frame}>
      {(control) => (
        <textarea {...control} className={css(control, "form-control")} rows={rows} value={value} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
}

export function SelectField({ value, onChange, options, blank, ...frame }: Typed<string> & { options: [string, string][]; blank?: string }) {
  return (
    <Field {...frame}>
      {(control) => <Select control={control} value={value} onChange={onChange} options={options} blank={blank} />}
    </Field>
  );
}

/** A list to choose from. A value that is no option (any more) is kept and shown as it is. */
export function Select({ control, value, onChange, options, blank }: { control: Control; value: string; onChange: (value: string) => void; options: [string, string][]; blank?: string }) {
  const known = options.some(([key]) => key === value);
  return (
    <select {...control} className={css(control, "form-select")} value={value} onChange={(event) => onChange(event.target.value)}>
      {blank !== undefined && <option value="">{blank}</option>}
      {!known && value !== "" && <option value={value}>{value}</option>}
      {options.map(([key, label]) => (
        <option key={key} value={key}>
          {label}
        </option>
      ))}
    </select>
  );
}

export function NumberField({ value, onChange, step = "any", minimum, unit, ...frame }: Typed<number | undefined> & { step?: string; minimum?: number; unit?: string }) {
  return (
    <Field {...frame} label={unit ? `${frame.label} (${unit})` : frame.label}>
      {(control) => (
        <input
          {...control}
          type="number"
          step={step}
          min={minimum}
          className={css(control, "form-control")}
          value={value ?? ""}
          onChange={(event) => onChange(event.target.value === "" ? undefined : Number(event.target.value))}
        />
      )}
    </Field>
  );
}

export function CheckField({ value, onChange, label, hint, place }: Typed<boolean>) {
  const id = useId();
  const { checked } = useEditing();
  return (
    <div className="field" data-place={place}>
      <label className="choice" htmlFor={id}>
        <input type="checkbox" id={id} className="form-check-input" checked={value} aria-describedby={hint ? `${id}h` : undefined} onChange={(event) => onChange(event.target.checked)} />
        <span>{label}</span>
      </label>
      {hint && (
        <span className="form-hint" id={`${id}h`}>
          {hint}
        </span>
      )}
      {place && <Problems faults={problemsAt(checked.faults, place)} warnings={problemsAt(checked.warnings, place)} />}
    </div>
  );
}

const UNITS: [number, () => string][] = [
  [86400, () => _("days")],
  [3600, () => _("hours")],
  [60, () => _("minutes")],
  [1, () => _("seconds")],
];

/** A length of time in the unit people would say it in; the document counts seconds. */
export function DurationField({ value, onChange, ...frame }: Typed<number | undefined>) {
  const fitting = UNITS.find(([size]) => value !== undefined && value > 0 && value % size === 0)?.[0];
  const [chosen, setChosen] = useState<number | null>(null);
  const size = chosen ?? fitting ?? 60;
  return (
    <Field {...frame}>
      {(control) => (
        <div className="wf-pair">
          <input
            {...control}
            type="number"
            min={0}
            step="any"
            className={css(control, "form-control")}
            value={value === undefined ? "" : Math.round((value / size) * 1000) / 1000}
            onChange={(event) => {
              setChosen(size);
              onChange(event.target.value === "" ? undefined : Math.round(Number(event.target.value) * size));
            }}
          />
          <select
            className="form-select"
            aria-label={_("%(field)s: unit", { field: frame.label })}
            value={size}
            onChange={(event) => {
              const next = Number(event.target.value);
              if (value !== undefined) onChange(Math.round((value / size) * next));
              setChosen(next);
            }}
          >
            {[...UNITS].reverse().map(([seconds, word]) => (
              <option key={seconds} value={seconds}>
                {word()}
              </option>
            ))}
          </select>
        </div>
      )}
    </Field>
  );
}

/** Any JSON, kept as text while it cannot be read. */
export function JsonBox({ control, value, onChange, rows = 3 }: { control: Control; value: Json | undefined; onChange: (value: Json | undefined) => void; rows?: number }) {
  const told = value === undefined ? "" : JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
  const [text, setText] = useState(told);
  const [wrong, setWrong] = useState("");
  const [last, setLast] = useState(told);
  if (told !== last) {
    // Changed from elsewhere (undo, another field): show that.
    setLast(told);
    setText(told);
    setWrong("");
  }
  return (
    <>
      <textarea
        {...control}
        className={`form-control wf-code${wrong ? " is-invalid" : ""}`}
        rows={rows}
        spellCheck={false}
        value={text}
        onChange={(event) => {
          const typed = event.target.value;
          setText(typed);
          try {
            const read = typed.trim() ? (JSON.parse(typed) as Json) : undefined;
            setWrong("");
            setLast(read === undefined ? "" : JSON.stringify(read, null, 1).replace(/\n\s*/g, " "));
            onChange(read);
          } catch {
            setWrong(_("This is not JSON yet; what was there before is kept."));
          }
        }}
      />
      {wrong && <Problems faults={[wrong]} warnings={[]} />}
    </>
  );
}

/** The control for a plain value of a characteristic. */
export function ValueBox({ control, item, value, onChange }: { control: Control; item: Characteristic; value: Json | undefined; onChange: (value: Json | undefined) => void }) {
  const text = value === undefined || value === null ? "" : String(value);
  if (item.type === "boolean")
    return <Select control={control} value={text} blank={_("Choose…")} options={[["true", _("Yes")], ["false", _("No")]]} onChange={(chosen) => onChange(chosen === "" ? undefined : chosen === "true")} />;
  if (item.type === "choice") return <Select control={control} value={text} blank={_("Choose…")} options={choicesOf(item)} onChange={(chosen) => onChange(chosen || undefined)} />;
  if (item.type === "integer" || item.type === "decimal")
    return (
      <input
        {...control}
        type="number"
        step={item.type === "integer" ? 1 : "any"}
        min={item.minimum}
        max={item.maximum}
        className={css(control, "form-control")}
        value={text}
        onChange={(event) => onChange(event.target.value === "" ? undefined : Number(event.target.value))}
      />
    );
  if (item.type === "list" || item.type === "multi_choice")
    return (
      <input
        {...control}
        type="text"
        className={css(control, "form-control")}
        placeholder={_("Several: with commas")}
        defaultValue={Array.isArray(value) ? value.join(", ") : text}
        onChange={(event) => {
          const parts = event.target.value.split(",").map((part) => part.trim()).filter(Boolean);
          onChange(parts.length ? parts : undefined);
        }}
      />
    );
  if (item.type === "object" || item.type === "any") return <JsonBox control={control} value={value} onChange={onChange} rows={2} />;
  return <input {...control} type={item.type === "date" ? "date" : "text"} className={css(control, "form-control")} value={text} onChange={(event) => onChange(event.target.value || undefined)} />;
}

/** A part that can be folded away; `begins` says how it is shown at first, then it is up to the reader. */
export function Fold({ title, className, begins = false, children }: { title: ReactNode; className: string; begins?: boolean; children: ReactNode }) {
  const [isOpen, setOpen] = useState(begins);
  return (
    <details className={className} open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {children}
    </details>
  );
}

/** A key: what is typed becomes one, free of the others, when the field is left. */
export function KeyField({ value, taken, onRename, place, hint }: { value: string; taken: string[]; onRename: (key: string) => void; place: string; hint?: string }) {
  const [text, setText] = useState(value);
  const [last, setLast] = useState(value);
  if (value !== last) {
    setLast(value);
    setText(value);
  }
  const leave = () => {
    if (text === value) return;
    const key = freshKey(slug(text), taken.filter((one) => one !== value));
    setText(key);
    onRename(key);
  };
  return <TextField label={_("Key")} hint={hint} place={place} value={text} onChange={setText} onLeave={leave} />;
}
