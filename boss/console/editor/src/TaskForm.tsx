// The form of the chosen task: every field of the format, by the task's kind.
import { type ReactNode, useId } from "react";
import { changeTask, type Characteristic, connect, disconnect, type Doc, freshKey, type Json, kindOf, mayConnect, renameTask, slug, type Task, titleOf, withRenamedNames } from "./document";
import { CharacteristicsField } from "./CharacteristicsField";
import { ConditionField } from "./ConditionField";
import { problemsAt, useEditing } from "./editing";
import { ExpressionField } from "./ExpressionField";
import { AreaField, CheckField, DurationField, Field, Fold, KeyField, NumberField, Problems, SelectField, TextField } from "./fields";
import { Icon, iconOf } from "./Icon";
import { filledIn, handlerOf, type Name, namesFor, parametersOf } from "./names";
import { gettext as _ } from "./words";

const KINDS = (): Record<string, string> => ({
  automated: _("Automated"),
  manual: _("People’s work"),
  wait: _("Wait"),
  subflow: _("Another workflow"),
  each: _("For each of a list"),
});

export const kindWords = (task: Task): string => KINDS()[kindOf(task)] ?? kindOf(task);

function Part({ title, open, marked, children }: { title: string; open?: boolean; marked?: boolean; children: ReactNode }) {
  const shown = (
    <>
      {title}
      {marked && <span className="wf-dot" title={_("Something is set here")} />}
    </>
  );
  return (
    <Fold className="wf-part" title={shown} begins={open}>
      <div className="wf-part-body">{children}</div>
    </Fold>
  );
}

export function TaskForm({ task, isNew }: { task: Task; isNew: boolean }) {
  const { doc, palette, change, checked, choose } = useEditing();
  const kind = kindOf(task);
  const place = `tasks.${task.key}`;
  const set = (fields: Partial<Task>, tag = "") => change((now) => changeTask(now, task.key, fields), tag && `${place}.${tag}`);
  const names = namesFor(doc, palette, task.key);
  const handler = handlerOf(task, palette);
  const parameters = parametersOf(task, palette);
  const unknown = Object.keys(task.with ?? {}).filter((key) => !parameters.some((item) => item.key === key));
  const setWith = (key: string, value: Json | undefined) => {
    const mapped = { ...(task.with ?? {}) };
    if (value === undefined) delete mapped[key];
    else mapped[key] = value;
    set({ with: mapped }, `with.${key}`);
  };
  const rename = (to: string) => {
    if (to === task.key) return;
    change((now) => renameTask(now, task.key, to));
    choose([to]);
  };
  // A key nobody chose follows the title of a task that was never published.
  const follow = () => {
    if (isNew && task.title) rename(freshKey(slug(task.title), doc.tasks.filter((one) => one !== task).map((one) => one.key)));
  };
  const pools = palette.pools.map((pool): [string, string] => [pool.key, pool.name]);
  const categories = palette.categories.map((category): [string, string] => [category.key, category.name]);
  const calendars = palette.calendars.map((calendar): [string, string] => [calendar.key, calendar.name]);
  const people = (
    <>
      <SelectField label={_("Pool")} place={`${place}.pool`} value={task.pool ?? ""} options={pools} blank={_("No pool")} onChange={(pool) => set({ pool })} />
      <SelectField label={_("Ticket category")} place={`${place}.category`} value={task.category ?? ""} options={categories} blank={_("As usual")} onChange={(category) => set({ category })} />
      <AreaField label={_("Instructions")} place={`${place}.instructions`} hint={kind === "manual" ? undefined : _("For the person who gets it when it fails for good.")} value={task.instructions ?? ""} onChange={(instructions) => set({ instructions }, "instructions")} />
    </>
  );
  return (
    <div className="wf-form" id="task-form">
      <div className="wf-form-head">
        <Icon name={iconOf(task)} />
        <span>{kindWords(task)}</span>
        {handler && <span className="text-secondary">{handler.title}</span>}
      </div>
      <TextField label={_("Title")} place={`${place}.title`} value={task.title ?? ""} onChange={(title) => set({ title }, "title")} onLeave={follow} />

      {kind === "automated" && (
        <Part title={_("What it does")} open>
          <SelectField
            label={_("Handler")}
            place={`${place}.handler`}
            value={task.handler ?? ""}
            blank={_("Choose…")}
            options={palette.handlers.map((one): [string, string] => [one.key, one.title])}
            onChange={(chosen) => change((now) => filledIn(changeTask(now, task.key, { handler: chosen, with: {} }), palette, task.key).doc)}
          />
          <Parameters items={parameters} task={task} names={names} onChange={setWith} place={place} />
        </Part>
      )}

      {(kind === "subflow" || kind === "each") && (
        <Part title={_("What it does")} open>
          <SelectField
            label={_("Workflow")}
            hint={_("Its current version when the task starts.")}
            place={`${place}.definition`}
            value={task.definition ?? ""}
            blank={_("Choose…")}
            options={palette.definitions.filter((one) => one.key !== doc.key).map((one): [string, string] => [one.key, one.title])}
            onChange={(chosen) => change((now) => filledIn(changeTask(now, task.key, { definition: chosen, with: {} }), palette, task.key).doc)}
          />
          {kind === "each" && (
            <>
              <ExpressionField label={_("For each of")} item={{ key: "over", type: "list" }} required names={names.filter((one) => one.name !== "item" && one.name !== "index")} place={`${place}.over`} value={task.over} onChange={(over) => set({ over }, "over")} />
              <NumberField label={_("At most open at once")} hint={_("Empty: all of them.")} place={`${place}.at_once`} step="1" minimum={1} value={task.at_once} onChange={(at_once) => set({ at_once }, "at_once")} />
            </>
          )}
          <Parameters items={parameters} task={task} names={names} onChange={setWith} place={place} />
        </Part>
      )}

      {kind === "manual" && (
        <Part title={_("Who does what")} open>
          {people}
          <h2 className="wf-h">{_("What the person fills in")}</h2>
          <CharacteristicsField items={task.outputs ?? []} place={`${place}.outputs`} noun={_("Field")} onChange={(outputs, tag) => set({ outputs }, tag)} onRename={(from, to) => change((now) => renameOutput(now, task.key, from, to))} />
        </Part>
      )}

      {kind === "wait" && (
        <Part title={_("What it waits for")} open>
          <ExpressionField label={_("Until")} hint={_("A moment, or a number of seconds from the beginning of the wait.")} item={{ key: "until", type: "any" }} names={names} place={`${place}.until`} value={task.until} onChange={(until) => set({ until }, "until")} />
          <TextField label={_("Signal")} hint={_("Its name, as it is sent to the run.")} place={`${place}.signal`} value={task.signal ?? ""} onChange={(signal) => set({ signal }, "signal")} />
          <DurationField label={_("At most")} place={`${place}.deadline_seconds`} value={task.deadline_seconds} onChange={(deadline_seconds) => set({ deadline_seconds }, "deadline")} />
          <SelectField label={_("When the time is up")} place={`${place}.on_deadline`} value={task.on_deadline ?? ""} blank={_("it has failed, and people are asked")} options={[["done", _("it goes on")]]} onChange={(on_deadline) => set({ on_deadline })} />
          <h2 className="wf-h">{_("What the signal brings")}</h2>
          <CharacteristicsField items={task.outputs ?? []} place={`${place}.outputs`} noun={_("Field")} onChange={(outputs, tag) => set({ outputs }, tag)} onRename={(from, to) => change((now) => renameOutput(now, task.key, from, to))} />
        </Part>
      )}

      <Part title={_("When it runs")} open={Boolean(task.when) || Boolean(task.after?.length)} marked={task.when !== undefined}>
        <After task={task} onConnect={(before) => change((now) => connect(now, before, task.key))} onCut={(before) => change((now) => disconnect(now, before, task.key))} />
        <ConditionField names={names} place={`${place}.when`} value={task.when} onChange={(when) => set({ when }, "when")} />
        <CheckField label={_("People may leave it out")} place={`${place}.skippable`} value={task.skippable ?? false} onChange={(skippable) => set({ skippable })} />
      </Part>

      {kind === "automated" && (
        <Part title={_("If it fails")} marked={Boolean(task.retry || task.pool || task.instructions)}>
          <Retry task={task} onChange={(retry, tag) => set({ retry }, `retry.${tag}`)} />
          {people}
        </Part>
      )}

      <Part title={_("How it is undone")} marked={Boolean(task.undo || task.point_of_no_return)} open={problemsAt(checked.faults, `${place}.undo`).length > 0}>
        {kind === "wait" ? (
          <p className="form-hint">{_("A wait has nothing to undo.")}</p>
        ) : (
          <>
            <SelectField label={_("Undo")} place={`${place}.undo`} value={task.undo ?? ""} blank={undoUsual(kind, handler?.undo)} options={undoOptions(kind, handler?.undo)} onChange={(undo) => set({ undo })} />
            {task.undo === "manual" && <AreaField label={_("What the person undoing it has to do")} place={`${place}.undo_instructions`} value={task.undo_instructions ?? ""} onChange={(undo_instructions) => set({ undo_instructions }, "undo_instructions")} />}
            <CheckField label={_("Point of no return: it stays when the run is undone")} place={`${place}.point_of_no_return`} value={task.point_of_no_return ?? false} onChange={(point_of_no_return) => set({ point_of_no_return })} />
            {task.point_of_no_return && <AreaField label={_("What is to be done about it then")} place={`${place}.follow_up`} value={task.follow_up ?? ""} onChange={(follow_up) => set({ follow_up }, "follow_up")} />}
            <CheckField label={_("A run may be sent back to this task")} hint={_("It and what came after it are undone and done again.")} place={`${place}.return_point`} value={task.return_point ?? false} onChange={(return_point) => set({ return_point })} />
            {task.undo === "manual" && kind !== "manual" && !task.pool && <SelectField label={_("Pool that undoes it")} value={task.pool ?? ""} options={pools} blank={_("No pool")} onChange={(pool) => set({ pool })} />}
          </>
        )}
      </Part>

      <Part title={_("Time and key")} marked={task.target_seconds !== undefined}>
        <DurationField label={_("It should take")} hint={_("What a run is measured against; late is shown after that.")} place={`${place}.target_seconds`} value={task.target_seconds} onChange={(target_seconds) => set({ target_seconds }, "target")} />
        <SelectField label={_("Business calendar")} hint={_("Then only open hours count.")} place={`${place}.calendar`} value={task.calendar ?? ""} blank={_("Every hour counts")} options={calendars} onChange={(calendar) => set({ calendar })} />
        <KeyField value={task.key} taken={doc.tasks.map((one) => one.key)} onRename={rename} place={`${place}.key`} hint={_("Its name in expressions, in the journal and in the API.")} />
      </Part>

      {unknown.length > 0 && (
        <div className="wf-part-body">
          <Problems faults={unknown.flatMap((key) => problemsAt(checked.faults, `${place}.with.${key}`))} warnings={[]} />
          <button type="button" className="btn btn-outline btn-sm" onClick={() => set({ with: Object.fromEntries(Object.entries(task.with ?? {}).filter(([key]) => !unknown.includes(key))) })}>
            {_("Remove what the handler does not take: %(names)s", { names: unknown.join(", ") })}
          </button>
        </div>
      )}
    </div>
  );
}

function Parameters({ items, task, names, onChange, place }: { items: Characteristic[]; task: Task; names: Name[]; onChange: (key: string, value: Json | undefined) => void; place: string }) {
  return (
    <>
      {items.map((item) => (
        <ExpressionField
          key={item.key}
          label={titleOf(item)}
          hint={item.help}
          item={item}
          required={item.required ?? false}
          names={names}
          place={`${place}.with.${item.key}`}
          value={task.with?.[item.key]}
          onChange={(value) => onChange(item.key, value)}
        />
      ))}
    </>
  );
}

/** The output of a task under another key, and every expression that named it. */
function renameOutput(doc: Doc, key: string, from: string, to: string): Doc {
  const moved = withRenamedNames(doc, `tasks.${key}.${from}`, `tasks.${key}.${to}`);
  return changeTask(moved, key, { outputs: moved.tasks.find((one) => one.key === key)?.outputs?.map((item) => (item.key === from ? { ...item, key: to } : item)) });
}

function After({ task, onConnect, onCut }: { task: Task; onConnect: (key: string) => void; onCut: (key: string) => void }) {
  const { doc, checked } = useEditing();
  const id = useId();
  const title = (key: string) => doc.tasks.find((one) => one.key === key)?.title || key;
  const possible = doc.tasks.filter((one) => mayConnect(doc, one.key, task.key));
  const place = `tasks.${task.key}.after`;
  return (
    <div className="field" data-place={place}>
      <label className="form-label" htmlFor={id}>
        {_("After")}
      </label>
      {task.after?.length ? (
        <ul className="wf-chips">
          {task.after.map((key) => (
            <li key={key}>
              {title(key)}
              <button type="button" aria-label={_("No longer after “%(title)s”", { title: title(key) })} onClick={() => onCut(key)}>
                <Icon name="x" />
              </button>
            </li>
          ))}
        </ul>
      ) : (
        <span className="form-hint">{_("At the start of the run.")}</span>
      )}
      {possible.length > 0 && (
        <select id={id} className="form-select" value="" onChange={(event) => event.target.value && onConnect(event.target.value)}>
          <option value="">{_("Add a task before it…")}</option>
          {possible.map((one) => (
            <option key={one.key} value={one.key}>
              {one.title || one.key}
            </option>
          ))}
        </select>
      )}
      <Problems faults={problemsAt(checked.faults, place)} warnings={problemsAt(checked.warnings, place)} />
    </div>
  );
}

const RETRY = (): [string, string, string][] => [
  ["attempts", _("Attempts"), "5"],
  ["backoff_seconds", _("First pause (s)"), "2"],
  ["backoff_factor", _("Each pause longer by"), "2"],
  ["max_seconds", _("Longest pause (s)"), "300"],
  ["time_limit_seconds", _("Time for one attempt (s)"), ""],
];

function Retry({ task, onChange }: { task: Task; onChange: (retry: Record<string, number>, tag: string) => void }) {
  return (
    <div className="wf-grid">
      {RETRY().map(([name, label, usual]) => (
        <Field key={name} label={label} place={`tasks.${task.key}.retry.${name}`}>
          {(control) => (
            <input
              {...control}
              type="number"
              min={0}
              step={name === "attempts" ? 1 : "any"}
              className="form-control"
              placeholder={usual}
              value={task.retry?.[name] ?? ""}
              onChange={(event) => {
                const retry = { ...(task.retry ?? {}) };
                if (event.target.value === "") delete retry[name];
                else retry[name] = Number(event.target.value);
                onChange(retry, name);
              }}
            />
          )}
        </Field>
      ))}
    </div>
  );
}

function undoUsual(kind: string, undo: string | undefined): string {
  if (kind === "manual") return _("Choose…");
  if (kind === "subflow" || kind === "each") return _("its runs are undone");
  if (undo === "handler") return _("the handler undoes it");
  return undo === "none" ? _("nothing to undo, says the handler") : _("Choose…");
}

function undoOptions(kind: string, undo: string | undefined): [string, string][] {
  const people: [string, string] = ["manual", _("people undo it")];
  const none: [string, string] = ["none", _("nothing to undo")];
  if (kind === "subflow" || kind === "each") return [];
  return kind === "automated" && undo === "handler" ? [["handler", _("the handler undoes it")], people, none] : [people, none];
}
