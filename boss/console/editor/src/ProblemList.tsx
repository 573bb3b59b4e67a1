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

/** "tasks.survey.pool" as people know it. */
function whereOf(doc: Doc, place: string): string {
  const [top, key, ...rest] = place.split(".");
  if (top !== "tasks" || !key) return place === "document" ? _("Workflow") : place;
  const title = doc.tasks.find((task) => task.key === key)?.title || doc.tasks[Number(key)]?.title || key;
  return rest.length ? `${title} › ${rest.join(".")}` : title;
}

export function ProblemList({ doc, checked, onGo }: { doc: Doc; checked: Checked; onGo: (place: string) => void }) {
  const lines = linesOf(checked);
  if (!lines.length)
    return (
      <div className="wf-clean">
        <Icon name="circle-check" />
        <p>{_("Nothing is wrong. It can be published.")}</p>
      </div>
    );
  return (
    <ul className="wf-problems">
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
  );
}
