// What an expression of a task can name, and the typed description of each name.
import type { Handler, Palette } from "./api";
import { ancestorsOf, type Characteristic, type Doc, kindOf, type Task, titleOf } from "./document";
import { gettext as _ } from "./words";

export interface Name {
  /** As it stands in the document: `inputs.payment`, `tasks.survey.visit_on`. */
  name: string;
  label: string;
  /** The task it comes from; empty for the run's inputs. */
  group: string;
  source: "input" | "output" | "other";
  item: Characteristic;
}

export const handlerOf = (task: Task, palette: Palette): Handler | undefined =>
  palette.handlers.find((handler) => handler.key === task.handler);

/** What the task gives to later ones. */
export function outputsOf(task: Task, palette: Palette): Characteristic[] {
  switch (kindOf(task)) {
    case "automated":
      return handlerOf(task, palette)?.outputs ?? [];
    case "wait":
      return [...(task.outputs ?? []), { key: "timed_out", type: "boolean", label: _("Its time was up") }];
    case "subflow": {
      const child = palette.definitions.find((one) => one.key === task.definition);
      return child ? child.results.map((key) => ({ key, type: "any" })) : [];
    }
    case "each":
      return [
        { key: "items", type: "list", label: _("Results of each") },
        { key: "count", type: "integer", label: _("How many") },
      ];
    default:
      return task.outputs ?? [];
  }
}

/** What the task is given: the inputs of its handler, or of the workflow it starts. */
export function parametersOf(task: Task, palette: Palette): Characteristic[] {
  const kind = kindOf(task);
  if (kind === "automated") return handlerOf(task, palette)?.inputs ?? [];
  if (kind === "subflow" || kind === "each") return palette.definitions.find((one) => one.key === task.definition)?.inputs ?? [];
  return [];
}

const inputNames = (doc: Doc): Name[] =>
  (doc.inputs ?? []).map((item) => ({ name: `inputs.${item.key}`, label: titleOf(item), group: "", source: "input", item }));

function outputNames(task: Task, palette: Palette): Name[] {
  const items = [...outputsOf(task, palette), { key: "skipped", type: "boolean", label: _("Was left out") }];
  return items.map((item) => ({ name: `tasks.${task.key}.${item.key}`, label: titleOf(item), group: task.title || task.key, source: "output", item }));
}

/** Everything the expressions of `key` can name. Without a key: what the workflow's results can name. */
export function namesFor(doc: Doc, palette: Palette, key?: string): Name[] {
  const earlier = key === undefined ? null : ancestorsOf(doc, key);
  const task = doc.tasks.find((one) => one.key === key);
  const found = inputNames(doc);
  if (task && kindOf(task) === "each") {
    found.push({ name: "item", label: _("The item"), group: _("Of this task"), source: "other", item: { key: "item", type: "any" } });
    found.push({ name: "index", label: _("Its number, from 0"), group: _("Of this task"), source: "other", item: { key: "index", type: "integer" } });
  }
  for (const other of doc.tasks) if (!earlier || earlier.has(other.key)) found.push(...outputNames(other, palette));
  found.push({ name: "subject.id", label: _("Number of what the run is about"), group: _("The run"), source: "other", item: { key: "id", type: "integer" } });
  found.push({ name: "subject.kind", label: _("Kind of what the run is about"), group: _("The run"), source: "other", item: { key: "kind", type: "text" } });
  return found;
}

const TEXTS = new Set(["text", "long_text", "choice", "date", "datetime", "email", "phone", "hostname", "ipv4", "ipv6", "mac", "secret"]);

/** Whether a value of `given` can stand where `wanted` is asked for. */
export function fits(given: string, wanted: string): boolean {
  if (given === wanted || given === "any" || wanted === "any") return true;
  if (wanted === "decimal") return given === "integer";
  return TEXTS.has(given) && (wanted === "text" || wanted === "long_text");
}

/**
 * The parameters of a task that has just got its handler: what the run or an earlier task already has under the same
 * name is mapped; what is required and nowhere to be found becomes an input of the run (a choice is left to be made).
 */
export function filledIn(doc: Doc, palette: Palette, key: string): { doc: Doc; added: Characteristic[] } {
  const task = doc.tasks.find((one) => one.key === key);
  if (!task) return { doc, added: [] };
  const names = namesFor(doc, palette, key);
  const mapped = { ...(task.with ?? {}) };
  const added: Characteristic[] = [];
  for (const item of parametersOf(task, palette)) {
    if (item.key in mapped) continue;
    const same = names.filter((one) => one.item.key === item.key && one.source !== "other" && fits(one.item.type, item.type));
    const found = same.find((one) => one.source === "input") ?? same.at(-1);
    if (found) mapped[item.key] = { var: found.name };
    else if (item.required && item.default !== undefined && item.default !== null) mapped[item.key] = item.default;
    else if (item.required && item.type !== "choice" && item.type !== "boolean") {
      added.push({ key: item.key, type: item.type, label: titleOf(item), required: true });
      mapped[item.key] = { var: `inputs.${item.key}` };
    }
  }
  const next: Doc = {
    ...doc,
    tasks: doc.tasks.map((one) => (one.key === key && Object.keys(mapped).length ? { ...one, with: mapped } : one)),
  };
  const kept = new Set((doc.inputs ?? []).map((item) => item.key));
  const fresh = added.filter((item) => !kept.has(item.key));
  return { doc: fresh.length ? { ...next, inputs: [...(doc.inputs ?? []), ...fresh] } : next, added: fresh };
}
