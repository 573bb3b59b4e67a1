// A definition's document and what drawing does to it. Pure functions: each takes a document and gives a new one.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export interface Characteristic {
  key: string;
  type: string;
  label?: string;
  help?: string;
  required?: boolean;
  default?: Json;
  minimum?: number;
  maximum?: number;
  max_length?: number;
  pattern?: string;
  choices?: (string | [string, string])[];
  unit?: string;
}

export type Kind = "automated" | "manual" | "wait" | "subflow" | "each";

export interface Task {
  key: string;
  title: string;
  kind?: Kind;
  handler?: string;
  definition?: string;
  with?: Record<string, Json>;
  after?: string[];
  when?: Json;
  over?: Json;
  at_once?: number;
  retry?: Record<string, number>;
  undo?: string;
  pool?: string;
  category?: string;
  instructions?: string;
  undo_instructions?: string;
  outputs?: Characteristic[];
  point_of_no_return?: boolean;
  follow_up?: string;
  return_point?: boolean;
  skippable?: boolean;
  target_seconds?: number;
  until?: Json;
  signal?: string;
  deadline_seconds?: number;
  on_deadline?: string;
  calendar?: string;
}

export type Point = [number, number];

export interface Doc {
  key: string;
  title: string;
  description?: string;
  inputs?: Characteristic[];
  results?: Record<string, Json>;
  tasks: Task[];
  layout?: Record<string, Point>;
}

export const kindOf = (task: Task): Kind => task.kind ?? "automated";
export const titleOf = (item: Characteristic): string =>
  item.label || item.key.charAt(0).toUpperCase() + item.key.slice(1).replaceAll("_", " ");
export const choicesOf = (item: Characteristic): [string, string][] =>
  (item.choices ?? []).map((choice) => (typeof choice === "string" ? [choice, choice] : choice));

/** Words as a key: lower-case letters, digits and underscores, beginning with a letter. */
export function slug(words: string): string {
  const plain = words.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const key = plain.replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "");
  return key.slice(0, 56) || "task";
}

/** `wanted`, or with a number behind it if it is taken. */
export function freshKey(wanted: string, taken: Iterable<string>): string {
  const known = new Set(taken);
  if (!known.has(wanted)) return wanted;
  const base = wanted.replace(/_\d+$/, "");
  for (let n = 2; ; n += 1) if (!known.has(`${base}_${n}`)) return `${base}_${n}`;
}

export const edgesOf = (doc: Doc): [string, string][] =>
  doc.tasks.flatMap((task) => (task.after ?? []).map((before): [string, string] => [before, task.key]));

/** Every task that stands somewhere before `key`. */
export function ancestorsOf(doc: Doc, key: string): Set<string> {
  const by = new Map(doc.tasks.map((task) => [task.key, task]));
  const found = new Set<string>();
  const open = [...(by.get(key)?.after ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next) || !by.has(next)) continue;
    found.add(next);
    open.push(...(by.get(next)?.after ?? []));
  }
  return found;
}

/** Whether `target` may come after `source`: no circle, not twice. */
export function mayConnect(doc: Doc, source: string, target: string): boolean {
  if (source === target || ancestorsOf(doc, source).has(target)) return false;
  return !doc.tasks.find((task) => task.key === target)?.after?.includes(source);
}

const ORDER = [
  "key", "title", "kind", "handler", "definition", "over", "at_once", "with", "after", "when", "until", "signal", "deadline_seconds",
  "on_deadline", "retry", "undo", "point_of_no_return", "follow_up", "return_point", "pool", "category", "instructions", "undo_instructions",
  "outputs", "skippable", "target_seconds", "calendar",
];
const place = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);

/** Fields at their default are left out, so that the document stays as a person would write it. */
function tidy(task: Task): Task {
  const kept = Object.entries(task).filter(([name, value]) => {
    if (name === "key" || name === "title") return true;
    if (value === undefined || value === null || value === "" || value === false) return false;
    if (Array.isArray(value)) return value.length > 0;
    return typeof value !== "object" || Object.keys(value).length > 0;
  });
  kept.sort(([one], [other]) => place(one) - place(other));
  return Object.fromEntries(kept) as unknown as Task;
}

export function changeTask(doc: Doc, key: string, change: Partial<Task>): Doc {
  return { ...doc, tasks: doc.tasks.map((task) => (task.key === key ? tidy({ ...task, ...change }) : task)) };
}

export function addTask(doc: Doc, task: Task, at?: Point): Doc {
  const layout = at ? { ...(doc.layout ?? {}), [task.key]: at } : doc.layout;
  return { ...doc, tasks: [...doc.tasks, tidy(task)], ...(layout ? { layout } : {}) };
}

/** Without these tasks. What came after them comes after what they came after, so that no thread is lost. */
export function removeTasks(doc: Doc, keys: Iterable<string>): Doc {
  let tasks = doc.tasks;
  for (const key of keys) {
    const gone = tasks.find((task) => task.key === key);
    if (!gone) continue;
    tasks = tasks
      .filter((task) => task.key !== key)
      .map((task) => {
        if (!task.after?.includes(key)) return task;
        const others = task.after.filter((before) => before !== key);
        return tidy({ ...task, after: [...new Set([...others, ...(gone.after ?? [])])] });
      });
  }
  const kept = new Set(tasks.map((task) => task.key));
  const layout = doc.layout && Object.fromEntries(Object.entries(doc.layout).filter(([key]) => kept.has(key)));
  return { ...doc, tasks, ...(layout ? { layout } : {}) };
}

export function connect(doc: Doc, source: string, target: string): Doc {
  if (!mayConnect(doc, source, target)) return doc;
  const after = doc.tasks.find((task) => task.key === target)?.after ?? [];
  return changeTask(doc, target, { after: [...after, source] });
}

export function disconnect(doc: Doc, source: string, target: string): Doc {
  const after = doc.tasks.find((task) => task.key === target)?.after ?? [];
  return changeTask(doc, target, { after: after.filter((key) => key !== source) });
}

/** An expression in which every name that begins with `from` begins with `to`. */
function renamed(expression: Json, from: string, to: string): Json {
  if (Array.isArray(expression)) return expression.map((item) => renamed(item, from, to));
  if (expression === null || typeof expression !== "object") return expression;
  return Object.fromEntries(
    Object.entries(expression).map(([operator, operand]) => {
      if (operator === "var" && typeof operand === "string" && (operand === from || operand.startsWith(`${from}.`)))
        return [operator, to + operand.slice(from.length)];
      return [operator, renamed(operand, from, to)];
    }),
  );
}

export function withRenamedNames(doc: Doc, from: string, to: string): Doc {
  const each = (values?: Record<string, Json>) =>
    values && Object.fromEntries(Object.entries(values).map(([name, value]) => [name, renamed(value, from, to)]));
  const tasks = doc.tasks.map((task) =>
    tidy({
      ...task,
      with: each(task.with),
      when: task.when === undefined ? undefined : renamed(task.when, from, to),
      until: task.until === undefined ? undefined : renamed(task.until, from, to),
      over: task.over === undefined ? undefined : renamed(task.over, from, to),
    }),
  );
  const results = each(doc.results);
  return { ...doc, tasks, ...(results ? { results } : {}) };
}

/** The task under another key, and everything that named it. */
export function renameTask(doc: Doc, from: string, to: string): Doc {
  const swap = (key: string) => (key === from ? to : key);
  const moved = withRenamedNames(doc, `tasks.${from}`, `tasks.${to}`);
  const layout = doc.layout && Object.fromEntries(Object.entries(doc.layout).map(([key, at]) => [swap(key), at]));
  return {
    ...moved,
    tasks: moved.tasks.map((task) => tidy({ ...task, key: swap(task.key), after: task.after?.map(swap) })),
    ...(layout ? { layout } : {}),
  };
}

export function renameInput(doc: Doc, from: string, to: string): Doc {
  const moved = withRenamedNames(doc, `inputs.${from}`, `inputs.${to}`);
  return { ...moved, inputs: moved.inputs?.map((item) => (item.key === from ? { ...item, key: to } : item)) };
}

/** Copies of `tasks`: fresh keys, edges and names among themselves kept. `within` keeps their ties to the document. */
export function paste(doc: Doc, tasks: Task[], within: boolean): { doc: Doc; keys: string[] } {
  const taken = new Set(doc.tasks.map((task) => task.key));
  const keys = new Map<string, string>();
  for (const task of tasks) {
    const key = freshKey(task.key, taken);
    taken.add(key);
    keys.set(task.key, key);
  }
  let copies: Doc = { key: "", title: "", tasks: structuredClone(tasks) };
  const known = new Set(doc.tasks.map((task) => task.key));
  copies = {
    ...copies,
    tasks: copies.tasks.map((task) => ({
      ...task,
      after: task.after?.filter((before) => keys.has(before) || (within && known.has(before))),
    })),
  };
  // By way of a name nobody has, so that a copy's new key is not renamed again.
  for (const from of keys.keys()) copies = renameTask(copies, from, ` ${from}`);
  for (const [from, to] of keys) copies = renameTask(copies, ` ${from}`, to);
  return { doc: { ...doc, tasks: [...doc.tasks, ...copies.tasks.map(tidy)] }, keys: [...keys.values()] };
}
