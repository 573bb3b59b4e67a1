// Everything that is wrong or doubtful; a click leads to the task and to its field.
import type { Checked } from "./api";
import type { Doc } from "./document";
import { Icon } from "./Icon";
import { gettext as _ } from "./words";

interface Line {
  place: string;
  text: string;
  isFault: boolean;
}

export const linesOf = (checked: Checked): Line[] => [
  ...Object.entries(checked.faults).flatMap(([place, texts]) => texts.map((text) => ({ place, text, isFault: true }))),
  ...Object.entries(checked.warnings).flatMap(([place, texts]) => texts.map((text) => ({ place, text, isFault: false }))),
];

const FIELDS = (): Record<string, string> => ({
  title: _("Title"),
  key: _("Key"),
  handler: _("Handler"),
  definition: _("Workflow"),
  over: _("For each of"),
  with: _("What it does"),
  after: _("After"),
  when: _("Only if"),
  until: _("Until"),
  signal: _("Signal"),
  deadline_seconds: _("At most"),
  retry: _("If it fails"),
  undo: _("Undo"),
  undo_instructions: _("Instructions for undoing"),
  follow_up: _("Point of no return"),
  point_of_no_return: _("Point of no return"),
  return_point: _("Sent back to this task"),
  pool: _("Pool"),
  category: _("Ticket category"),
  instructions: _("Instructions"),
  outputs: _("Results"),
  target_seconds: _("It should take"),
  calendar: _("Business calendar"),
  inputs: _("What a run is given"),
  results: _("Results"),
});

/** "tasks.survey.pool" as people know it. */
function whereOf(doc: Doc, place: string): string {
  const [top, key, ...rest] = place.split(".");
  if (top !== "tasks" || !key) return FIELDS()[top ?? ""] ?? _("Workflow");
  const title = doc.tasks.find((task) => task.key === key)?.title || doc.tasks[Number(key)]?.title || key;
  const [field = "", ...parts] = rest;
  return [title, FIELDS()[field] ?? field, ...parts].filter(Boolean).join(" › ");
}

export function ProblemList({ doc, checked, onGo }: { doc: Doc; checked: Checked; onGo: (place: string) => void }) {
  const lines = linesOf(checked);
  const clean = lines.every((line) => !line.isFault) && (
    <div className="wf-clean">
      <Icon name="circle-check" />
      <p>{lines.length ? _("It can be published. This is worth a look:") : _("Nothing is wrong. It can be published.")}</p>
    </div>
  );
  return (
    <>
      {clean}
      <ul className="wf-problems" hidden={!lines.length}>
        {lines.map((line) => (
        <li key={line.place + line.text}>
          <button type="button" className={line.isFault ? "wf-fault" : "wf-doubt"} onClick={() => onGo(line.place)}>
            <Icon name={line.isFault ? "alert-circle" : "alert-triangle"} label={line.isFault ? _("Problem") : _("Warning")} />
            <span>
              <b>{whereOf(doc, line.place)}</b>
              <span>{line.text}</span>
            </span>
          </button>
        </li>
        ))}
      </ul>
    </>
  );
}
